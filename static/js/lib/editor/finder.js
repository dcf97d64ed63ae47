// Find and replace. The text stays as it is: matches are highlights, and the server replaces them in one step that one undo
// takes back.

import { announce } from "../page.js";
import { highlight } from "../words.js";
import { Turns } from "./turns.js";

const LIT = 2000; // matches that are coloured at once; all are counted

export class Finder {
  /** `form` is the bar; `replace({find, replace, match_case, whole_word, turn})` resolves to the number replaced. */
  constructor({ form, turns, replace, edit }) {
    Object.assign(this, { form, turns, replace, edit });
    this.some = highlight("find", 2);
    this.one = highlight("find-now", 3);
    this.found = [];
    this.at = -1;
    form.addEventListener("input", (event) => event.target !== this.field("replace") && this.search());
    form.addEventListener("submit", (event) => this.submit(event));
    form.addEventListener("click", (event) => this.press(event.target.closest("button")?.dataset.do));
    form.addEventListener("keydown", (event) => this.key(event));
  }

  field(name) {
    return this.form.elements[name];
  }

  /** False when it is open and has the focus already: then the browser's own search may open. */
  open(replacing = false) {
    const again = !this.form.hidden && this.form.contains(document.activeElement);
    const more = this.form.querySelector("[data-part=replace]");
    if (again && (!replacing || !more.hidden)) return false;
    const chosen = getSelection().toString().trim();
    this.form.hidden = false;
    if (replacing) more.hidden = false;
    this.sayMore();
    if (chosen && chosen.length < 100) this.field("find").value = chosen;
    if (!this.form.contains(document.activeElement)) this.from = document.activeElement;
    this.field("find").focus();
    this.field("find").select();
    this.search();
    return true;
  }

  close() {
    this.form.hidden = true;
    this.some.clear();
    this.one.clear();
    const { turn } = this.found[this.at] ?? {};
    this.found = [];
    if (turn) this.edit(turn, false);
    else this.from?.focus();
  }

  sayMore() {
    const more = this.form.querySelector("[data-part=replace]");
    this.form.querySelector("[data-do=more]").setAttribute("aria-expanded", String(!more.hidden));
  }

  key(event) {
    if (event.key === "Escape") return event.preventDefault(), this.close();
    if (event.key === "Enter" && event.shiftKey && event.target === this.field("find")) return event.preventDefault(), this.go(-1);
  }

  submit(event) {
    event.preventDefault();
    if (document.activeElement === this.field("replace")) this.replaceOne();
    else this.go(1);
  }

  press(what) {
    const acts = {
      close: () => this.close(),
      previous: () => this.go(-1),
      next: () => this.go(1),
      one: () => this.replaceOne(),
      all: () => this.replaceAll(),
      more: () => {
        const more = this.form.querySelector("[data-part=replace]");
        more.hidden = !more.hidden;
        this.sayMore();
        this.field(more.hidden ? "find" : "replace").focus();
      },
    };
    acts[what]?.();
  }

  get wish() {
    return { find: this.field("find").value, match_case: this.field("match_case").checked, whole_word: this.field("whole_word").checked };
  }

  /** Looks anew; stays at the match nearest to where it was. */
  search() {
    const { find, match_case, whole_word } = this.wish;
    const before = this.found[this.at];
    this.found = find ? this.turns.all().flatMap((turn) => matches(turn, find, match_case, whole_word)) : [];
    const near = before ? this.found.findIndex((one) => follows(one, before)) : this.firstOnScreen();
    this.at = this.found.length ? Math.max(0, near) : -1;
    this.show();
  }

  firstOnScreen() {
    const seen = new Map();
    const visible = (turn) => {
      if (!seen.has(turn)) seen.set(turn, turn.getBoundingClientRect().bottom > 60);
      return seen.get(turn);
    };
    return this.found.findIndex(({ turn }) => visible(turn));
  }

  show() {
    this.some.clear();
    this.one.clear();
    const from = Math.max(0, this.at - LIT / 2);
    for (const match of this.found.slice(from, from + LIT)) this.some.add(range(match));
    const now = this.found[this.at];
    if (now) {
      const where = range(now);
      this.one.add(where);
      now.turn.scrollIntoView({ block: "nearest" }); // gives it its true height before the match is measured
      const box = where.getBoundingClientRect();
      if (box.top < 140 || box.bottom > innerHeight - 140) scrollBy({ top: box.top - innerHeight / 2 });
    }
    const said = this.field("find").value ? (now ? `${this.at + 1} of ${this.found.length}` : "No match") : "";
    this.form.querySelector("[data-part=count]").textContent = said;
    for (const button of this.form.querySelectorAll("[data-needs]")) button.disabled = !now;
  }

  go(by) {
    if (!this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    this.show();
  }

  /** One match is an edit of its turn like any other. */
  async replaceOne() {
    const now = this.found[this.at];
    if (!now) return;
    await this.edit(now.turn, { from: now.from, to: now.to, words: this.field("replace").value });
    const after = { turn: now.turn, from: now.from + this.field("replace").value.length };
    this.found[this.at] = after;
    this.search();
    announce(this.form.querySelector("[data-part=count]").textContent);
  }

  async replaceAll() {
    const number = await this.replace({ ...this.wish, replace: this.field("replace").value });
    if (number === null) return;
    this.search();
    announce(`${number} ${number === 1 ? "place" : "places"} replaced. One undo takes them back.`);
  }
}

function follows(one, before) {
  if (one.turn === before.turn) return one.from >= before.from;
  return Boolean(before.turn.compareDocumentPosition(one.turn) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function range({ turn, from, to }) {
  const found = document.createRange();
  const text = Turns.body(turn).firstChild;
  if (!text || to > text.length) return found;
  found.setStart(text, from);
  found.setEnd(text, to);
  return found;
}

function matches(turn, find, matchCase, wholeWord) {
  const body = Turns.body(turn);
  const text = body.textContent;
  const pattern = new RegExp(find.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replace(/\s+/g, "\\s+"), matchCase ? "gu" : "giu");
  const found = [...text.matchAll(pattern)].map((match) => ({ turn, from: match.index, to: match.index + match[0].length }));
  if (!wholeWord || !found.length) return found;
  const edges = new Set([0, text.length]);
  const cutter = new Intl.Segmenter(body.lang || undefined, { granularity: "word" }); // also for scripts without spaces
  for (const { index, segment } of cutter.segment(text)) edges.add(index).add(index + segment.length);
  return found.filter(({ from, to }) => edges.has(from) && edges.has(to));
}
