// The versions that transcribing again has made. None of them is lost; one of them is what the page shows.

import { said } from "./history.js";

export class Versions {
  constructor({ dialog, api }) {
    Object.assign(this, { dialog, api });
    this.list = dialog.querySelector("[data-part=versions]");
    this.error = dialog.querySelector("[data-part=error]");
    this.list.addEventListener("click", (event) => this.choose(event.target.closest("[data-number]")?.dataset.number));
  }

  async open() {
    this.dialog.showModal();
    await this.load();
  }

  async load() {
    const found = await this.ask(() => this.api.get("versions/"));
    if (found) this.list.replaceChildren(...found.results.map((version) => this.row(version)));
  }

  async ask(work) {
    this.error.hidden = true;
    try {
      return await work();
    } catch (trouble) {
      this.error.textContent = trouble.message;
      this.error.hidden = false;
      return null;
    }
  }

  row({ number, model, kind, created_at, status, word_count, edits, current, error }) {
    const row = this.list.querySelector("template")?.content.firstElementChild ?? this.blank;
    this.blank = row;
    const item = row.cloneNode(true);
    const write = (part, text) => (item.querySelector(`[data-part=${part}]`).textContent = text);
    write("name", `Version ${number}`);
    write("model", kind === "labels" ? "speakers told apart anew" : model);
    const counts = `${word_count} words · ${edits} ${edits === 1 ? "edit" : "edits"}`;
    write("about", status === "completed" ? `${said(created_at)} · ${counts}` : error?.message || `${said(created_at)} · being made`);
    const button = item.querySelector("button");
    button.dataset.number = number;
    button.hidden = current || status !== "completed";
    item.querySelector(".pill").hidden = !current;
    return item;
  }

  async choose(number) {
    if (number && (await this.ask(() => this.api.post(`versions/${number}/restore/`)))) location.reload();
  }
}
