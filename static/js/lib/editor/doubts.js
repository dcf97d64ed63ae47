// A walk over the words that the recogniser was least sure of: listen, then keep the word or put it right.

import { announce } from "../page.js";
import { highlight } from "../words.js";

export class Doubts {
  /** `accept(turn, words)` and `fix(find, replace, turn, word)` resolve when the page shows it. */
  constructor({ bar, turns, player, accept, fixOne, fixAll }) {
    Object.assign(this, { bar, turns, player, accept, fixOne, fixAll });
    this.marks = highlight("doubt", 0);
    this.now = highlight("doubt-now", 2);
    this.at = null; // {line, word}
    this.marked = localStorage.getItem("doubts") !== "off";
    bar.addEventListener("submit", (event) => this.submit(event));
    bar.addEventListener("click", (event) => this.press(event.target.closest("button")?.dataset.do));
    bar.addEventListener("keydown", (event) => event.key === "Escape" && (event.preventDefault(), this.close()));
  }

  get all() {
    return (this.turns.words?.lines ?? []).flatMap((line) =>
      line.words.flatMap((each, word) => (each.doubtful && line.element.isConnected ? [{ line, word }] : [])),
    );
  }

  /** Underlines them anew, after words changed. */
  draw() {
    this.marks.clear();
    if (!this.marked) return;
    for (const { line, word } of this.all) {
      const range = line.range(word);
      if (range) this.marks.add(range);
    }
  }

  mark(on) {
    this.marked = on;
    localStorage.setItem("doubts", on ? "on" : "off");
    this.draw();
  }

  /** The next one behind the last one, or behind the playhead. */
  next() {
    const { all } = this;
    if (!all.length) {
      this.close();
      return announce("No doubtful word is left.");
    }
    const time = this.at ? this.time(this.at) : this.player()?.audio.currentTime ?? -1;
    this.at = all.find((each) => this.time(each) > time) ?? all[0];
    this.show(all);
  }

  time({ line, word }) {
    return line.words[word]?.start ?? line.start;
  }

  show(all) {
    const { line, word } = this.at;
    const range = line.range(word);
    this.now.clear();
    this.now.add(range);
    this.bar.hidden = false;
    line.element.scrollIntoView({ block: "nearest" });
    const box = range.getBoundingClientRect();
    if (box.top < 140 || box.bottom > innerHeight - 180) scrollBy({ top: box.top - innerHeight / 2 });
    const text = this.text;
    const place = `${all.findIndex((each) => each.line === line && each.word === word) + 1} of ${all.length}`;
    this.bar.querySelector("[data-part=place]").textContent = place;
    const { word: field } = this.bar.elements;
    field.value = text;
    if (field === document.activeElement) field.select();
    this.alike = all.filter((each) => each.line.range(each.word)?.toString() === text);
    const many = this.bar.querySelector("[data-do=all]");
    many.hidden = this.alike.length < 2;
    many.textContent = `Fix all ${this.alike.length} like this`;
    announce(`Doubtful word ${place}: ${text}`);
    const { start, end } = line.words[word];
    this.player()?.clip(Math.max(0, start - 1), end + 0.5);
  }

  /** The way into the bar without a mouse; false while it is closed. */
  field() {
    if (!this.at) return false;
    this.bar.elements.word.focus();
    this.bar.elements.word.select();
    return true;
  }

  get text() {
    return this.at?.line.range(this.at.word)?.toString() ?? "";
  }

  close() {
    if (this.bar.contains(document.activeElement)) this.at?.line.element.closest(".turn").querySelector(".stamp").focus({ preventScroll: true });
    this.bar.hidden = true;
    this.now.clear();
    this.at = null;
  }

  async yes() {
    if (!this.at) return;
    const { line, word } = this.at;
    await this.accept(line.element.closest(".turn"), [word]);
    this.next();
  }

  async submit(event) {
    event.preventDefault();
    const wanted = this.bar.elements.word.value.trim();
    if (!this.at || wanted === this.text) return this.yes();
    const { line, word } = this.at;
    const range = line.range(word);
    await this.fixOne(line.element.closest(".turn"), { from: range.startOffset, to: range.endOffset, words: wanted });
    this.next();
  }

  press(what) {
    if (what === "accept") return this.yes();
    if (what === "next") return this.next();
    if (what === "close") return this.close();
    if (what === "all") return this.fixEvery();
  }

  async fixEvery() {
    const wanted = this.bar.elements.word.value.trim();
    if (wanted === this.text) {
      for (const { line, word } of this.alike) await this.accept(line.element.closest(".turn"), [word]);
    } else {
      await this.fixAll(this.text, wanted);
    }
    this.next();
  }
}
