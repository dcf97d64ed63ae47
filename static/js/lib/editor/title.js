// The title, corrected where it stands. What it was is one press away.

import { announce } from "../page.js";
import { toast } from "../toast.js";

const UNDO_SECONDS = 10;

export class Title {
  /** `rename(title)` resolves to a sentence that says why not, or to null. */
  constructor({ root, rename }) {
    Object.assign(this, { root, rename });
    this.heading = root.querySelector("h1");
    this.button = root.querySelector("[data-do=title]");
    this.field = Object.assign(document.createElement("input"), { className: "input doc__name", maxLength: 200, dir: "auto", ariaLabel: "Title", hidden: true });
    this.heading.after(this.field);
    this.button.addEventListener("click", () => this.open());
    this.heading.addEventListener("dblclick", () => this.open());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => this.close(true));
  }

  get now() {
    return this.heading.textContent;
  }

  open() {
    this.field.value = this.now;
    this.show(true);
    this.field.select();
  }

  show(editing) {
    this.field.hidden = !editing;
    this.heading.hidden = this.button.hidden = editing;
  }

  key(event) {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    this.close(event.key === "Enter");
    this.button.focus();
  }

  async close(keep) {
    if (this.field.hidden) return;
    const [before, wish] = [this.now, this.field.value.trim().replace(/\s+/g, " ")];
    this.show(false);
    if (keep && wish && wish !== before) await this.save(wish, () => this.save(before));
  }

  async save(title, undo) {
    const before = this.now;
    this.write(title);
    const trouble = await this.rename(title);
    if (trouble) {
      this.write(before);
      toast(trouble, [["Close"]]);
    } else if (undo) toast("Renamed.", [["Undo", undo]], { seconds: UNDO_SECONDS });
    else announce("The old title is back");
  }

  write(title) {
    document.title = document.title.replace(this.now, () => title);
    this.heading.textContent = this.root.dataset.title = title;
    for (const field of document.querySelectorAll("#rename [name=title]")) field.value = title;
  }
}
