// One turn at a time is open for typing: a single text node, without markup, that is saved as it is.

import { settings } from "../keymap.js";
import { caretAt } from "../words.js";
import { plain, Turns } from "./turns.js";

const PAUSE = 1000; // ms without a key after which the sound goes on

export class Typing {
  /** `turns`, `saver`, `player()`; `split(turn, before, after)` and `merge(turn)` resolve when the page shows it. */
  constructor({ turns, saver, player, split, merge, onMove }) {
    Object.assign(this, { turns, saver, player, split, merge, onMove });
    this.turn = null;
    this.busy = false; // while a split or merge is on its way; what is typed meanwhile is not lost
    this.ahead = "";
    const { text } = turns;
    text.addEventListener("dblclick", (event) => this.double(event));
    text.addEventListener("beforeinput", (event) => this.before(event));
    text.addEventListener("input", () => this.turn && this.typed());
    text.addEventListener("keydown", (event) => this.press(event));
    text.addEventListener("paste", (event) => this.paste(event));
    text.addEventListener("drop", (event) => this.turn && event.preventDefault());
    text.addEventListener("focusout", (event) => this.left(event));
  }

  get body() {
    return this.turn && Turns.body(this.turn);
  }

  double(event) {
    const turn = event.target.closest?.("[data-turn]");
    if (!turn || turn === this.turn || !event.target.closest(".turn__text")) return;
    const chosen = getSelection().toString().trimEnd(); // the word, which typing then replaces
    const { node, offset } = caretAt(event.clientX, event.clientY);
    const text = Turns.body(turn).firstChild;
    const from = node === text ? getSelection().getRangeAt(0).startOffset : offset;
    this.open(turn, from);
    if (chosen && node === text && text.data.startsWith(chosen, from)) getSelection().setBaseAndExtent(text, from, text, from + chosen.length);
  }

  open(turn, place = 0) {
    if (this.turn && this.turn !== turn) this.leave();
    if (!turn) return;
    this.turn = turn;
    const { body } = this;
    this.base = plain(body);
    body.contentEditable = "plaintext-only";
    body.role = "textbox";
    body.ariaMultiLine = "true";
    const name = turn.querySelector(".turn__name bdi").textContent;
    body.ariaLabel = `Text, ${name ? `${name}, ` : ""}${turn.querySelector(".stamp").textContent}`;
    turn.classList.add("turn--open");
    this.turns.words?.line(body)?.pin();
    body.focus({ preventScroll: true });
    turn.scrollIntoView({ block: "nearest" });
    this.caret(place < 0 ? body.textContent.length : place);
    this.onMove(turn);
  }

  leave() {
    const { turn, body } = this;
    if (!turn) return;
    this.turn = null;
    body.removeAttribute("contenteditable");
    body.removeAttribute("role");
    body.removeAttribute("aria-multiline");
    body.removeAttribute("aria-label");
    turn.classList.remove("turn--open");
    body.normalize();
    this.saver.flush();
  }

  caret(place) {
    const text = this.body.firstChild;
    const at = text?.nodeType === Node.TEXT_NODE ? [text, Math.min(place, text.length)] : [this.body, 0];
    getSelection().collapse(...at);
  }

  /** Where the caret is in the turn's text: [from, to]. */
  place() {
    const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
    if (!range || !this.body.contains(range.startContainer)) return [0, 0];
    const before = document.createRange();
    before.setStart(this.body, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const from = before.toString().length;
    return [from, from + range.toString().length];
  }

  before(event) {
    if (!this.turn) return;
    if (event.inputType.startsWith("history")) return event.preventDefault(); // undo is the document's, not the field's
    if (!this.busy) return;
    if (event.inputType === "insertText") this.ahead += event.data ?? "";
    event.preventDefault();
  }

  typed() {
    const { turn, body } = this;
    this.saver.typed(Turns.id(turn), Turns.rev(turn), this.base, plain(body));
    this.hush();
  }

  /** Pauses the sound while somebody types, if they asked for that. */
  hush() {
    const player = this.player();
    if (!player || !settings().pause) return;
    if (!player.audio.paused) {
      player.audio.pause();
      this.hushed = true;
    }
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => {
      if (!this.hushed || !this.turn) return;
      this.hushed = false;
      player.seek(player.audio.currentTime - 1);
      player.play();
    }, PAUSE);
  }

  insert(words) {
    const { body } = this;
    const [from, to] = this.place();
    if (body.firstChild?.nodeType !== Node.TEXT_NODE) body.prepend(document.createTextNode(""));
    body.firstChild.replaceData(from, to - from, words);
    this.caret(from + words.length);
    this.typed();
  }

  paste(event) {
    if (!this.turn) return;
    event.preventDefault();
    this.insert(event.clipboardData.getData("text/plain").replace(/\s+/g, " "));
  }

  press(event) {
    if (!this.turn || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const [from, to] = this.place();
    const end = this.body.textContent.length;
    if (event.key === "Enter") {
      event.preventDefault();
      if (!event.shiftKey) this.cut(from, to);
    } else if (event.key === "Backspace" && to === 0) {
      event.preventDefault();
      this.join(this.turn);
    } else if (event.key === "Delete" && from === end) {
      event.preventDefault();
      this.join(this.turns.neighbour(this.turn, 1));
    }
  }

  /** Enter: what is behind the caret becomes a turn of its own; at either end there is nothing to part. */
  async cut(from, to) {
    if (this.busy) return;
    const text = plain(this.body);
    const [before, after] = [text.slice(0, from).trimEnd(), text.slice(to).trimStart()];
    const next = this.turns.neighbour(this.turn, 1);
    if (!after) return next && this.open(next);
    if (!before) return;
    await this.change(async () => {
      const made = await this.split(this.turn, before, after);
      if (made) this.open(made);
    });
  }

  /** Backspace: the turn goes to the end of the one before it. */
  async join(turn) {
    const before = turn && this.turns.neighbour(turn, -1);
    if (this.busy || !before) return;
    const place = plain(Turns.body(before)).length;
    await this.change(async () => {
      if (await this.merge(turn)) this.open(before, place);
    });
  }

  async change(work) {
    this.busy = true;
    try {
      await work();
    } finally {
      this.busy = false;
      const { ahead } = this;
      this.ahead = "";
      if (ahead && this.turn) this.insert(ahead);
    }
  }

  left(event) {
    if (!this.turn || this.busy || !document.hasFocus() || event.target !== this.body) return;
    const to = event.relatedTarget;
    if (to?.closest(".player, .finder, .doubts, .turn__who")) return void this.saver.flush();
    this.leave();
  }
}
