// Two people, or two tabs, changed one turn. Both texts are shown beside each other, and nothing is thrown away unasked.

import { announce } from "../page.js";

export class Conflicts {
  /** `keep(draft, theirs)` sends the reader's text over theirs, `take(draft, theirs)` shows theirs. */
  constructor({ blank, turns, keep, take }) {
    Object.assign(this, { blank, turns, keep, take });
    this.open = new Map();
  }

  /** `theirs` is the turn as the server has it, or null where it is gone. `why` is a sentence. */
  show(draft, theirs, why) {
    this.open.get(draft.key)?.remove();
    const panel = this.blank.content.firstElementChild.cloneNode(true);
    panel.querySelector("[data-part=why]").textContent = why;
    panel.querySelector("[data-part=mine]").textContent = draft.text;
    panel.querySelector("[data-part=theirs]").textContent = theirs?.text ?? "";
    panel.querySelector("[data-part=other]").hidden = !theirs;
    panel.querySelector("[data-do=keep]").hidden = !theirs;
    panel.querySelector("[data-do=take]").textContent = theirs ? "Take theirs" : "Let mine go";
    panel.addEventListener("click", (event) => this.press(event.target.closest("button")?.dataset.do, draft, theirs));
    const turn = this.turns.element(draft.turn);
    if (turn) turn.after(panel);
    else this.turns.text.prepend(panel);
    this.open.set(draft.key, panel);
    announce(why);
  }

  async press(what, draft, theirs) {
    if (what !== "keep" && what !== "take") return;
    const panel = this.open.get(draft.key);
    this.open.delete(draft.key);
    panel.remove();
    await (what === "keep" ? this.keep(draft, theirs) : this.take(draft, theirs));
  }
}
