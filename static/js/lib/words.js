// Where each word stands in the text and in time. Unpacks what transcripts/web/present.py packs.

/** The words of one text node: times in seconds, places as UTF-16 offsets in its text. */
class Line {
  constructor(element, start) {
    this.element = element;
    this.start = start;
    this.set([]);
  }

  set(words) {
    this.words = words; // [{start, end, from, to, doubtful}] in order
    this.pins = null;
    if (words.length) this.start = words[0].start;
  }

  /** From now on each word has a live range, which moves with what is typed before and inside it. */
  pin() {
    this.pins = null;
    this.pins = this.words.map((_, word) => this.range(word));
  }

  range(word) {
    if (this.pins) return this.pins[word];
    const text = this.element.firstChild;
    const { from, to } = this.words[word] ?? {};
    if (text?.nodeType !== Node.TEXT_NODE || !(to <= text.length)) return null;
    const range = document.createRange();
    range.setStart(text, from);
    range.setEnd(text, to);
    return range;
  }

  /** The word at a place in its text, or -1. */
  within(offset) {
    const place = this.words.findIndex((word, index) => offset <= (this.pins?.[index]?.endOffset ?? word.to));
    return place < 0 ? this.words.length - 1 : place;
  }
}

export class Words {
  /** `packed` holds a row of (start, length, gap, letters) for each element of `root` with data-line, in order. */
  constructor(packed, root) {
    this.root = root;
    this.lines = [];
    this.of = new WeakMap();
    const doubtful = new Set(packed.doubtful ?? []); // numbers of words, counted over the whole
    const { doubt_below: below = 0, suspects = [] } = packed;
    /** Whether a word as the server's answers name it is doubtful. */
    this.doubt = ({ start, end, probability }) =>
      probability < 1 && (probability < below || suspects.some(([from, to]) => from <= (start + end) / 2 && (start + end) / 2 < to));
    const elements = this.elements().sort((one, other) => one.dataset.line - other.dataset.line);
    let time = 0;
    let number = 0;
    for (const element of elements) {
      const row = packed.segments[element.dataset.line] ?? [];
      const words = [];
      let place = 0;
      for (let i = 0; i < row.length; i += 4) {
        time += row[i];
        const from = place + row[i + 2];
        place = from + row[i + 3];
        words.push({ start: time / 100, end: (time + row[i + 1]) / 100, from, to: place, doubtful: doubtful.has(number) });
        number += 1;
      }
      this.put(element, words);
    }
    this.order();
  }

  elements() {
    return [...this.root.querySelectorAll("[data-line]")];
  }

  /** Other words for an element, new or known; `order` has to follow when one came or went. */
  put(element, words) {
    const start = Number(element.closest(".turn")?.dataset.start ?? 0);
    const line = this.of.get(element) ?? new Line(element, start);
    line.start = start;
    line.set(words);
    this.of.set(element, line);
  }

  order() {
    this.lines = this.elements().map((element) => this.of.get(element)).filter(Boolean);
  }

  line(element) {
    return this.of.get(element);
  }

  /** {line, word} of the last word that has begun at that time, or null. */
  at(seconds) {
    let index = last(this.lines, seconds);
    while (index >= 0 && !this.lines[index].words.length) index -= 1;
    if (index < 0) return null;
    const line = this.lines[index];
    const word = last(line.words, seconds);
    return word < 0 ? null : { line, word };
  }

  /** {line, word} under a point of the screen, or null. */
  under(x, y) {
    const { node, offset } = caretAt(x, y);
    const element = node?.parentElement?.closest("[data-line]");
    const line = element && this.root.contains(element) && this.of.get(element);
    if (!line) return null;
    const before = document.createRange(); // a lit word may have cut the line's text in pieces
    before.setStart(element, 0);
    before.setEnd(node, offset);
    const word = line.within(before.toString().length);
    return word < 0 ? null : { line, word };
  }
}

/** The place of the last item that starts at or before `seconds`, or -1. */
function last(items, seconds) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const caret = document.caretPositionFromPoint(x, y);
    return { node: caret?.offsetNode, offset: caret?.offset };
  }
  const caret = document.caretRangeFromPoint?.(x, y);
  return { node: caret?.startContainer, offset: caret?.startOffset };
}

/** Words as the server's answers name them ({text, start, end, probability}) to places in `text`. */
export function placed(words, text, doubt) {
  const found = [];
  let place = 0;
  for (const word of words) {
    const from = text.indexOf(word.text, place);
    // Text and words may differ in spacing; a word that is not there is lit nowhere, and keeps its number.
    const to = from < 0 ? place : from + word.text.length;
    found.push({ start: word.start, end: word.end, from: from < 0 ? place : from, to, doubtful: doubt(word) });
    place = to;
  }
  return found;
}

const LIGHTS = Boolean(window.CSS?.highlights && window.Highlight);

/** A set of ranges that the style sheet colours as ::highlight(name); without the Highlight API nothing is shown. */
export function highlight(name, priority = 0) {
  if (!LIGHTS) return new Set();
  const set = new Highlight();
  set.priority = priority;
  CSS.highlights.set(name, set);
  return set;
}

/** Lights one word. The Highlight API leaves the document as it is; without it the word's own text is wrapped for a moment. */
export class Light {
  constructor() {
    this.highlight = LIGHTS ? highlight("now", 1) : null;
    this.mark = null;
  }

  /** Puts the text back as it was; ranges are to be made after this. */
  clear() {
    this.highlight?.clear();
    if (!this.mark) return;
    const line = this.mark.parentNode;
    this.mark.replaceWith(...this.mark.childNodes);
    line?.normalize();
    this.mark = null;
  }

  show(range) {
    if (!range) return;
    if (this.highlight) return void this.highlight.add(range);
    if (range.startContainer.parentElement?.isContentEditable) return; // the text is the reader's now
    this.mark = document.createElement("mark");
    range.surroundContents(this.mark);
  }
}
