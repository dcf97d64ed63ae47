// The bars above the position slider: drawn once for the size and theme, then again only where the played part ends.

const BAR = 3;
const GAP = 2;

export class Wave {
  constructor(canvas, turns) {
    this.canvas = canvas;
    this.turns = turns; // [{start, end, colour}] of speakers, may be empty
    this.peaks = new Uint8Array();
    this.duration = 0;
    this.played = -1;
    new ResizeObserver(() => this.measure()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.measure());
  }

  load(peaks, duration) {
    this.peaks = peaks;
    this.duration = duration;
    this.measure();
  }

  /** Who speaks when has changed. */
  retell(turns) {
    this.turns = turns;
    this.measure();
  }

  measure() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    if (!width) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const style = getComputedStyle(this.canvas);
    this.colours = { rest: style.color, played: style.outlineColor }; // resolved: a canvas does not know light-dark()
    const count = Math.max(1, Math.floor(width / (BAR + GAP)));
    this.bars = Array.from({ length: count }, (_, bar) => this.loudest(bar / count, (bar + 1) / count));
    this.played = -1;
    this.draw(this.share ?? 0);
  }

  loudest(from, to) {
    const [first, last] = [Math.floor(from * this.peaks.length), Math.ceil(to * this.peaks.length)];
    let peak = 0;
    for (let i = first; i < last; i += 1) peak = Math.max(peak, this.peaks[i]);
    return peak / 255;
  }

  draw(share) {
    this.share = share;
    if (!this.bars) return;
    const played = Math.floor(share * this.bars.length);
    if (played === this.played) return;
    this.played = played;
    const context = this.canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const [width, height] = [this.canvas.width / ratio, this.canvas.height / ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const foot = this.turns.length ? 8 : 0;
    const room = height - foot;
    this.bars.forEach((peak, bar) => {
      const tall = Math.max(3, peak ** 0.8 * room);
      context.fillStyle = bar < played ? this.colours.played : this.colours.rest;
      context.beginPath();
      context.roundRect(bar * (BAR + GAP), (room - tall) / 2, BAR, tall, BAR / 2);
      context.fill();
    });
    for (const turn of this.turns) {
      context.fillStyle = turn.colour;
      const from = (turn.start / this.duration) * width;
      context.fillRect(from, height - 3, Math.max(1, (turn.end / this.duration) * width - from - 2), 3);
    }
  }
}
