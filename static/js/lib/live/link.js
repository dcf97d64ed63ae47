// One stream over as many connections as it takes: the last 30 s of sound are kept and told again after a break, as far as the
// server asks for them. (A server that took over from one that died may ask for what was acknowledged already.) What fell out
// of them is a gap, and is marked.

import { RATE } from "./resample.js";

const KEEP_MS = 30000;
const WAITS = [250, 500, 1000, 2000, 4000]; // ms between tries
const GIVE_UP_MS = 120000;
const LATER = new Set(["overloaded"]);
const GONE = new Set(["session_not_found"]);

export class Link {
  /** `tell` has opened(ready, from, to) with the gap in s, message(message), lost(), ended(reason, sentence). `config` is the stream's first message. */
  constructor({ address, token, config, tell }) {
    Object.assign(this, { address, token, config, tell });
    this.frames = []; // {start, ms, buffer}; ms since the device began
    this.heard = 0; // ms that came from the device
    this.settled = 0; // ms of which all text is final
    this.shifts = []; // [from, by]: what the server calls `from` is `from + by` here, as it does not count what it never got
    this.seq = 0;
    this.tries = 0;
    this.open();
  }

  async open() {
    try {
      const token = await this.token();
      if (this.over) return;
      this.socket = new WebSocket(this.address, token ? ["steno.v1", token] : ["steno.v1"]);
    } catch (error) {
      if (error.fatal) this.finish("refused", error.message);
      else this.retry();
      return;
    }
    this.refusal = null;
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.send(this.resume ? { resume: this.resume, last_seq: this.seq } : this.config);
    this.socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    this.socket.onclose = () => this.closed();
  }

  take(message) {
    if (message.status === "ready") return this.begin(message);
    if (message.error && message.fatal) return void (this.refusal = message);
    if (message.type === "ack") return void (this.settled = this.here(message.audio_ms));
    if (message.type === "transcript") this.seq = message.seq;
    if (message.type === "done") this.done = message;
    const { start, end } = message.segment ?? message;
    if (end === undefined) return this.tell.message(message);
    const [from, to] = [this.here(start * 1000), this.here(end * 1000)];
    this.tell.message({ ...message, start: from / 1000, end: to / 1000, behind: Math.max(0, this.heard - to) / 1000 });
  }

  begin(ready) {
    if (this.over) return;
    this.tries = 0;
    this.failing = null;
    if (!this.resume) this.shifts = [[0, this.settled]]; // a new stream
    this.resume = ready.resume_token;
    const wanted = this.here(ready.audio_ms ?? 0);
    const first = this.frames.find((frame) => frame.start + frame.ms > wanted);
    const from = Math.max(wanted, first?.start ?? this.heard);
    if (from > wanted) this.shifts.push([ready.audio_ms ?? 0, from - (ready.audio_ms ?? 0)]);
    this.ready = true;
    this.tell.opened(ready, wanted / 1000, from / 1000);
    for (const frame of this.frames) if (frame.start + frame.ms > from) this.pass(frame, from);
    if (this.stopping) this.send({ action: "stop" });
  }

  /** A frame of the device. */
  hear(buffer, ms) {
    const frame = { start: this.heard, ms, buffer };
    this.heard += ms;
    this.frames.push(frame);
    while (this.frames.length && this.heard - this.frames[0].start > KEEP_MS) this.frames.shift();
    if (this.ready) this.pass(frame);
  }

  /** What of the frame lies behind `from`. */
  pass({ start, buffer }, from = 0) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(from > start ? buffer.slice(2 * Math.round(((from - start) * RATE) / 1000)) : buffer);
  }

  /** A time of the server, on the clock of the device. */
  here(ms) {
    return ms + this.shifts.findLast(([from]) => ms >= from)[1];
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** No more sound comes; the last words do. A second time nothing is waited for. */
  stop() {
    if (this.stopping) return this.finish("stop");
    this.stopping = true;
    if (this.ready) this.send({ action: "stop" });
    else if (!this.resume) this.finish("stop"); // it never began
  }

  closed() {
    this.ready = false;
    if (this.over) return;
    if (this.done) return this.finish("stop");
    const name = this.refusal?.code;
    if (GONE.has(name)) {
      this.resume = null; // begins anew; what the old stream had not made final is told to the new one
      this.seq = 0;
    } else if (this.refusal && !LATER.has(name)) {
      return this.finish(name, this.refusal.error);
    } else if (name === "overloaded" && !this.resume) {
      return this.finish(name, this.refusal.error);
    }
    this.retry();
  }

  retry() {
    this.failing ??= performance.now();
    if (performance.now() - this.failing > GIVE_UP_MS) {
      return this.finish("lost", "The server could not be reached for two minutes. The text so far is kept here.");
    }
    this.tell.lost();
    const wait = WAITS[Math.min(this.tries++, WAITS.length - 1)];
    this.timer = setTimeout(() => this.open(), wait);
  }

  finish(reason, sentence = "") {
    this.over = true;
    clearTimeout(this.timer);
    this.frames.length = 0;
    this.tell.ended(reason, sentence, this.done);
    this.socket?.close();
  }
}
