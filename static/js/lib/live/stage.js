// The block of captions. What is agreed on is only ever added to; what is not yet is the tail. Lines are filled from the top,
// and when the block is full it rolls by one whole line and never back, so that no line moves because a guess changed.

const KEPT_LINES = 24; // beyond the visible ones, before they are cut off
const STEADY_MS = 1500;

export class Stage {
  constructor(root) {
    this.window = root.querySelector(".stage__lines");
    this.text = root.querySelector("p");
    this.tail = root.querySelector(".tail");
    this.said = document.createTextNode("");
    this.text.prepend(this.said);
    this.open = ""; // how much of the open utterance stands in `said`
    this.rolled = 0; // lines
    this.waiting = []; // {due, message}
    this.steady = this.held = false;
    new ResizeObserver(() => this.again()).observe(this.text);
  }

  /** A partial or a transcript message; now, or when it has stood long enough. */
  show(message) {
    if (!this.steady && !this.held && !this.waiting.length) return this.apply(message);
    const last = this.waiting.at(-1)?.message;
    if (this.held && last?.type === "partial" && message.seq === last.seq) this.waiting.pop();
    this.waiting.push({ due: performance.now() + (this.steady ? STEADY_MS : 0), message });
    this.drain();
  }

  drain() {
    clearTimeout(this.timer);
    while (!this.held && this.waiting.length && this.waiting[0].due <= performance.now()) {
      const { message } = this.waiting.shift();
      this.apply(this.steady ? this.proven(message) : message);
    }
    if (!this.held && this.waiting.length) this.timer = setTimeout(() => this.drain(), this.waiting[0].due - performance.now());
  }

  /** Of a partial only the words that nothing later has changed. */
  proven(message) {
    if (message.type !== "partial") return message;
    const later = this.waiting.findLast((each) => each.message.seq === message.seq)?.message;
    if (!later) return message;
    const partial = sharedWords(message.partial, later.partial ?? later.text);
    return { ...message, partial, stable_chars: Math.min(message.stable_chars, partial.length) };
  }

  hold(held) {
    this.held = held;
    this.drain();
  }

  calm(steady) {
    this.steady = steady;
    if (!steady) for (const each of this.waiting) each.due = 0;
    this.drain();
  }

  apply(message) {
    if (message.type === "partial") {
      this.stand(message.partial.slice(0, message.stable_chars));
      this.tail.textContent = message.partial.startsWith(this.open) ? message.partial.slice(this.open.length) : "";
    } else {
      if (message.text) this.stand(message.text, true);
      if (this.open) this.said.appendData(" ");
      this.open = "";
      this.tail.textContent = "";
    }
    this.roll();
  }

  /** `words` are all that is agreed on in the open utterance. Usually they begin with what stands there. */
  stand(words, final = false) {
    if (!words.startsWith(this.open)) {
      if (!final) return;
      const same = sharedLetters(words, this.open);
      this.said.deleteData(this.said.length - this.open.length + same, this.open.length - same);
      this.open = words.slice(0, same);
    }
    this.said.appendData(words.slice(this.open.length));
    this.open = words;
  }

  /** The visible lines are the last ones; text only ever goes up. */
  roll() {
    const height = this.lineHeight();
    const lines = Math.round(this.text.offsetHeight / height);
    const room = Math.round(this.window.clientHeight / height);
    this.rolled = Math.max(this.rolled, lines - room);
    this.text.style.setProperty("--rolled", this.rolled);
    if (this.rolled > KEPT_LINES) this.cut(height);
  }

  lineHeight() {
    return parseFloat(getComputedStyle(this.text).lineHeight);
  }

  /** Takes away whole lines above the block; those below break where they did. */
  cut(height) {
    const { top } = this.window.getBoundingClientRect();
    const range = document.createRange();
    let [low, high] = [0, this.said.length - this.open.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      range.setStart(this.said, middle);
      range.setEnd(this.said, Math.min(this.said.length, middle + 1));
      if (range.getBoundingClientRect().bottom <= top + height / 2) low = middle + 1;
      else high = middle;
    }
    const before = this.text.offsetHeight;
    this.said.deleteData(0, low);
    this.rolled -= Math.round((before - this.text.offsetHeight) / height);
    this.text.style.setProperty("--rolled", this.rolled);
  }

  /** The letters or the block have another size: every line breaks anew. */
  again() {
    const width = `${this.window.clientWidth} ${this.window.clientHeight} ${this.lineHeight()}`;
    if (width === this.measured) return;
    this.measured = width;
    this.rolled = 0;
    this.roll();
  }

  clear() {
    this.said.data = this.open = this.tail.textContent = "";
    this.waiting = this.waiting.filter(({ message }) => message.type !== "partial");
    this.rolled = 0;
    this.roll();
  }
}

function sharedLetters(one, other) {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  return same;
}

function sharedWords(one, other) {
  const same = sharedLetters(one, other);
  const whole = (text) => same === text.length || text[same] === " ";
  return one.slice(0, whole(one) && whole(other) ? same : one.lastIndexOf(" ", same - 1) + 1).trimEnd();
}
