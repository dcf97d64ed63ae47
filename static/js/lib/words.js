// Where each word stands in the text and in time. Unpacks what transcripts/web/present.py packs.

export class Words {
  constructor(packed, root) {
    const count = packed.segments.reduce((sum, row) => sum + row.length / 4, 0);
    this.starts = new Float64Array(count); // seconds, rising
    this.ends = new Float64Array(count);
    this.line = new Uint32Array(count); // the segment that it stands in
    this.from = new Uint32Array(count); // offsets in the segment's text node
    this.to = new Uint32Array(count);
    this.first = new Uint32Array(packed.segments.length + 1); // the first word of each segment
    let word = 0;
    let time = 0;
    packed.segments.forEach((row, segment) => {
      this.first[segment] = word;
      let place = 0;
      for (let i = 0; i < row.length; i += 4) {
        time += row[i];
        place += row[i + 2];
        this.starts[word] = time / 100;
        this.ends[word] = (time + row[i + 1]) / 100;
        this.line[word] = segment;
        this.from[word] = place;
        this.to[word] = place += row[i + 3];
        word += 1;
      }
    });
    this.first[packed.segments.length] = word;
    this.root = root;
    this.lines = new Map();
    for (const span of root.querySelectorAll("[data-line]")) this.lines.set(Number(span.dataset.line), span);
  }

  /** The last word that has begun at that time, or -1. */
  at(seconds) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The word of a segment at a place in its text, or -1. */
  within(segment, offset) {
    for (let word = this.first[segment]; word < this.first[segment + 1]; word += 1) {
      if (offset <= this.to[word]) return word;
    }
    return this.first[segment + 1] - 1;
  }

  element(word) {
    return this.lines.get(this.line[word]);
  }

  range(word) {
    const text = this.element(word)?.firstChild;
    if (!text || text.nodeType !== Node.TEXT_NODE || this.to[word] > text.length) return null;
    const range = document.createRange();
    range.setStart(text, this.from[word]);
    range.setEnd(text, this.to[word]);
    return range;
  }

  /** The word under a point of the screen, or -1. */
  under(x, y) {
    let node, offset;
    if (document.caretPositionFromPoint) {
      const caret = document.caretPositionFromPoint(x, y);
      [node, offset] = [caret?.offsetNode, caret?.offset];
    } else {
      const caret = document.caretRangeFromPoint?.(x, y);
      [node, offset] = [caret?.startContainer, caret?.startOffset];
    }
    const span = node?.parentElement?.closest("[data-line]");
    if (!span || !this.root.contains(span)) return -1;
    const before = document.createRange(); // a lit word may have cut the line's text in pieces
    before.setStart(span, 0);
    before.setEnd(node, offset);
    return this.within(Number(span.dataset.line), before.toString().length);
  }
}

/** Lights one word. The Highlight API leaves the document as it is; without it the word's own text is wrapped for a moment. */
export class Light {
  constructor() {
    this.highlight = window.CSS?.highlights && window.Highlight ? new Highlight() : null;
    if (this.highlight) CSS.highlights.set("now", this.highlight);
    this.mark = null;
  }

  /** Puts the text back as it was; ranges are to be made after this. */
  clear() {
    this.highlight?.clear();
    if (!this.mark) return;
    const line = this.mark.parentNode;
    this.mark.replaceWith(...this.mark.childNodes);
    line.normalize();
    this.mark = null;
  }

  show(range) {
    if (!range) return;
    if (this.highlight) return void this.highlight.add(range);
    this.mark = document.createElement("mark");
    range.surroundContents(this.mark);
  }
}
