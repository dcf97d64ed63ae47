// The turns of the page: what the server answered to a change, put into the document without touching anything else.

import { clock } from "../page.js";
import { placed } from "../words.js";

export class Turns {
  /** `text` is the element that holds them, `blank` the template of one, `speakers` [{id, name}] in order of speech. */
  constructor({ text, blank, speakers }) {
    Object.assign(this, { text, blank });
    this.words = null; // lib/words.js, once loaded
    this.name(speakers);
  }

  name(speakers) {
    this.speakers = speakers;
    this.colours = new Map(speakers.map(({ id }, index) => [id, (index % 8) + 1]));
  }

  all() {
    return [...this.text.querySelectorAll("[data-turn]")];
  }

  element(id) {
    return document.getElementById(`turn-${id}`);
  }

  static id(turn) {
    return Number(turn.dataset.turn);
  }

  static rev(turn) {
    return Number(turn.dataset.rev);
  }

  static body(turn) {
    return turn.querySelector(".turn__text");
  }

  neighbour(turn, by) {
    const all = this.all();
    return all[all.indexOf(turn) + by] ?? null;
  }

  /** `keep(id)` says whose text on the page is newer than the server's. Returns whether more than texts changed. */
  apply({ changed, removed, speakers }, keep = () => false) {
    const renamed = Boolean(speakers) && this.rename(speakers);
    const moved = removed.length > 0 || changed.some((turn) => this.moves(turn));
    for (const id of removed) this.element(id)?.remove();
    for (const turn of changed) this.draw(turn, keep(turn.id));
    if (moved) this.words?.order();
    return renamed || moved;
  }

  /** Whether it is new, or another voice's, or at another time. */
  moves({ id, speaker, start, end }) {
    const { dataset } = this.element(id) ?? {};
    return !dataset || dataset.speaker !== String(speaker ?? "") || Number(dataset.start) !== start || Number(dataset.end) !== end;
  }

  draw(turn, keepText) {
    const element = this.element(turn.id) ?? this.add(turn);
    element.dataset.rev = turn.rev;
    element.dataset.start = turn.start;
    element.dataset.end = turn.end;
    this.assign(element, turn.speaker);
    const stamp = element.querySelector(".stamp");
    stamp.textContent = clock(turn.start);
    stamp.href = `#t=${Math.floor(turn.start * 100) / 100}`;
    const body = Turns.body(element);
    if (turn.language) body.lang = turn.language;
    if (!keepText) this.write(body, turn);
    return element;
  }

  write(body, turn) {
    // The server keeps no space at an end; somebody who is typing has one there before the next word.
    const same = body.isContentEditable ? tidy(plain(body)) === turn.text : body.textContent === turn.text;
    if (!same) body.textContent = turn.text;
    body.normalize();
    if (!turn.words) return; // they are as they were
    const words = turn.words.map(([word, start, end, probability]) => ({ text: word, start, end, probability }));
    this.words?.put(body, placed(words, body.textContent, this.words.doubt));
    if (body.isContentEditable) this.words?.line(body).pin();
  }

  add(turn) {
    const element = this.blank.content.firstElementChild.cloneNode(true);
    element.id = `turn-${turn.id}`;
    element.dataset.turn = turn.id;
    element.dataset.place = turn.place;
    const after = this.all().findLast((other) => Number(other.dataset.place) < turn.place);
    if (after) after.after(element);
    else this.text.prepend(element);
    return element;
  }

  assign(element, speaker) {
    const colour = this.colours.get(speaker);
    const name = this.speakers.find(({ id }) => id === speaker)?.name ?? "";
    if (colour) element.dataset.spk = colour;
    else delete element.dataset.spk;
    element.dataset.speaker = speaker ?? "";
    const button = element.querySelector(".turn__name");
    button.querySelector("bdi").textContent = name;
    button.hidden = !name;
  }

  rename(speakers) {
    const before = JSON.stringify(this.speakers);
    this.name(speakers);
    if (JSON.stringify(speakers) === before) return false;
    for (const element of this.all()) this.assign(element, element.dataset.speaker === "" ? null : Number(element.dataset.speaker));
    this.text.classList.toggle("doc__text--plain", !speakers.length);
    return true;
  }

  /** {id, name, colour, share of the time in %} */
  talk() {
    const seconds = new Map(this.speakers.map(({ id }) => [id, 0]));
    for (const { dataset } of this.all()) {
      const id = Number(dataset.speaker);
      if (dataset.speaker !== "" && seconds.has(id)) seconds.set(id, seconds.get(id) + (dataset.end - dataset.start));
    }
    const whole = [...seconds.values()].reduce((sum, each) => sum + each, 0) || 1;
    return this.speakers.map(({ id, name }) => ({ id, name, colour: this.colours.get(id), share: Math.round((seconds.get(id) / whole) * 100) }));
  }
}

/** The text of a turn as it is sent: editing may leave no-break spaces and line ends in it. */
export function plain(body) {
  return body.textContent.replace(/[\u00a0\r\n\t]+/g, " ");
}

export const tidy = (text) => text.trim().replace(/\s+/g, " ");
