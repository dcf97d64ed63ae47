// What was changed, by whom and when: each step with its difference, and a way back to it. And the versions of a re-run.

const SIGNS = { "=": null, "-": "del", "+": "ins" };

export class History {
  /** `restore(number)` resolves when the page shows the state after that edit. */
  constructor({ dialog, api, restore }) {
    Object.assign(this, { dialog, api, restore });
    this.list = dialog.querySelector("[data-part=edits]");
    this.diff = dialog.querySelector("[data-part=diff]");
    this.more = dialog.querySelector("[data-do=more]");
    this.back = dialog.querySelector("[data-do=restore]");
    this.list.addEventListener("click", (event) => this.choose(event.target.closest("button")));
    this.more.addEventListener("click", () => this.load(this.next));
    this.back.addEventListener("click", () => this.goBack());
  }

  async open() {
    this.list.replaceChildren();
    this.diff.replaceChildren();
    this.back.hidden = true;
    this.dialog.showModal();
    await this.load();
  }

  async load(before = null) {
    const page = await this.asked(`history/${before ? `?before=${before}` : ""}`);
    if (!page) return;
    this.next = page.next;
    this.list.append(...page.results.map((edit) => this.row(edit)));
    this.more.hidden = !page.next;
    if (!this.list.children.length) this.say("Nothing has been changed yet. The text is as it was transcribed.");
    else if (!before) this.choose(this.list.querySelector("button"));
  }

  async asked(path) {
    try {
      return await this.api.get(path);
    } catch (trouble) {
      this.say(trouble.message);
      return null;
    }
  }

  say(words) {
    this.diff.replaceChildren(Object.assign(document.createElement("p"), { textContent: words, className: "hush" }));
  }

  row({ number, summary, at, by }) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "edit" });
    button.dataset.number = number;
    const when = Object.assign(document.createElement("time"), { dateTime: at, textContent: said(at) });
    button.append(Object.assign(document.createElement("b"), { textContent: summary }), when);
    if (by) button.append(Object.assign(document.createElement("bdi"), { textContent: by }));
    item.append(button);
    return item;
  }

  async choose(button) {
    if (!button) return;
    for (const other of this.list.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    this.number = Number(button.dataset.number);
    const edit = await this.asked(`history/${this.number}/`);
    if (!edit || edit.number !== this.number) return;
    const names = edit.renamed.map(([from, to]) => element("p", `${from ?? "Nobody"} → ${to ?? "Nobody"}`));
    this.diff.replaceChildren(...names, ...edit.changes.map(difference));
    if (!this.diff.children.length) this.say(edit.summary);
    this.back.hidden = this.list.querySelector("button") === button; // the newest is what the page shows
  }

  async goBack() {
    const trouble = await this.restore(this.number);
    if (trouble) this.say(trouble);
    else this.dialog.close();
  }
}

function difference(turn) {
  const box = Object.assign(document.createElement("div"), { className: "diff", dir: "auto" });
  const [from, to] = [turn.speaker_before ?? "Nobody", turn.speaker_after ?? "Nobody"];
  if (from !== to && turn.before !== null && turn.after !== null) box.append(element("p", `${from} → ${to}`, "small hush"));
  const text = document.createElement("p");
  const space = (turn.after ?? turn.before).includes(" ") ? " " : ""; // some scripts write none
  text.append(...turn.diff.flatMap(([sign, words]) => [SIGNS[sign] ? element(SIGNS[sign], words) : words, space]));
  box.append(text);
  return box;
}

function element(tag, textContent, className = "") {
  return Object.assign(document.createElement(tag), { textContent, className });
}

/** 12:04 today, else with the date; in the reader's own way of writing times. */
export function said(at) {
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  return today ? hour(time) : `${time.toLocaleDateString([], { day: "numeric", month: "short" })}, ${hour(time)}`;
}

export const hour = (time) => time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
