// Any rate to 16 kHz, piece by piece: a windowed sinc (Smith, "Digital Audio Resampling"), cut off a little below the new Nyquist.

export const RATE = 16000;
const ZEROS = 16; // zero crossings on each side
const STEPS = 256; // table entries between two of them
const CUTOFF = 0.92;

export class Resampler {
  constructor(rate) {
    this.ratio = rate / RATE;
    const scale = Math.min(1, 1 / this.ratio) * CUTOFF;
    this.reach = Math.ceil(ZEROS / scale); // input samples
    this.table = kernel(scale);
    this.density = scale * STEPS;
    this.scale = scale;
    this.kept = new Float32Array(2 * this.reach); // silence before the beginning
    this.at = this.reach; // where in `kept` the next output sample lies
  }

  /** Float samples in, float samples at 16 kHz out. */
  push(samples) {
    const input = new Float32Array(this.kept.length + samples.length);
    input.set(this.kept);
    input.set(samples, this.kept.length);
    const output = [];
    for (; this.at + this.reach < input.length; this.at += this.ratio) output.push(this.sample(input));
    const used = Math.max(0, Math.floor(this.at) - this.reach);
    this.kept = input.slice(used);
    this.at -= used;
    return output;
  }

  sample(input) {
    const first = Math.ceil(this.at - this.reach);
    const last = Math.floor(this.at + this.reach);
    let sum = 0;
    for (let i = Math.max(0, first); i <= last; i++) {
      sum += input[i] * this.table[Math.round(Math.abs(i - this.at) * this.density)];
    }
    return sum;
  }
}

function kernel(scale) {
  const table = new Float32Array((ZEROS + 2) * STEPS);
  for (let i = 0; i < ZEROS * STEPS; i++) {
    const x = (Math.PI * i) / STEPS;
    const window = 0.5 + 0.5 * Math.cos(x / ZEROS); // Hann
    table[i] = scale * window * (i ? Math.sin(x) / x : 1);
  }
  return table;
}
