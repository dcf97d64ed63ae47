// Live captions: listens, shows, keeps. What each part does is in lib/live/.

import { Capture, canCapture, canCaptureTab, microphones, TAB } from "../lib/live/capture.js";
import { Keyboard } from "../lib/live/keys.js";
import { Link } from "../lib/live/link.js";
import { Look } from "../lib/live/look.js";
import { keep } from "../lib/live/keep.js";
import { Record } from "../lib/live/record.js";
import { Stage } from "../lib/live/stage.js";
import { BLOCKED, SENTENCES, STATES } from "../lib/live/states.js";
import { announce, clock, csrf } from "../lib/page.js";

const QUIET_MS = 5000;
const WARN_S = 60;
const SHORTEST_GAP = 0.5; // s, that is worth a line
const TOLD_TO_A_WINDOW = 20;

export default function live(root) {
  const page = new Live(root);
  root.dataset.live = "ready";
  if (!canCapture()) page.state(isSecureContext ? "unable" : "insecure");
}

class Live {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-live="${name}"]`);
    this.stage = new Stage(this.find("stage"));
    this.look = new Look(this.find("stage"), this.find("look"));
    this.record = new Record(this.find("list"), this.find("empty"));
    this.sessions = []; // that can be saved: {id, saved}
    this.channel = new BroadcastChannel(`here-${root.dataset.here = crypto.randomUUID?.() ?? String(Math.random()).slice(2)}`);
    this.channel.onmessage = ({ data }) => data.type === "hello" && this.catchUp();
    this.buttons();
    keep(this);
    new Keyboard(this);
    setInterval(() => this.tick(), 1000);
    this.fields();
  }

  buttons() {
    const press = (name, does) => this.find(name)?.addEventListener("click", () => does());
    press("start", () => this.toggle());
    press("hold", () => this.hold());
    press("fullscreen", () => this.fullscreen());
    press("popout", () => this.popout());
    this.find("steady").addEventListener("change", ({ target }) => this.stage.calm(target.checked));
    this.find("reader").addEventListener("change", ({ target }) => this.readAloud(target.checked));
    addEventListener("beforeunload", (event) => this.link && event.preventDefault());
  }

  /** Only finished sentences, as they come. */
  readAloud(on) {
    const box = this.find("log");
    const attributes = { role: on ? "log" : "region", "aria-live": on ? "polite" : "off", "aria-atomic": "false" };
    for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
  }

  async fields() {
    const { source } = this.find("choices").elements;
    if (!canCaptureTab()) source.querySelector(`[value=${TAB}]`)?.remove();
    const list = async () => {
      const chosen = source.value;
      for (const old of source.querySelectorAll("[data-device]")) old.remove();
      for (const { deviceId, label } of await microphones()) {
        const option = new Option(label, deviceId);
        option.dataset.device = "";
        source.querySelector("option").after(option);
      }
      source.value = chosen;
      if (!source.value) source.selectedIndex = 0;
    };
    this.listDevices = () => navigator.mediaDevices && list();
    navigator.mediaDevices?.addEventListener("devicechange", this.listDevices);
    await this.listDevices();
  }

  // Start and stop.

  toggle() {
    if (this.running) this.stop();
    else this.start();
  }

  async start() {
    if (!canCapture()) return this.state(isSecureContext ? "unable" : "insecure");
    this.running = true;
    this.loudAt = this.warned = null;
    this.state("asking");
    const elapsed = this.elapsed ?? 0;
    const { source, language } = this.find("choices").elements;
    const capture = (this.capture = this.newCapture());
    try {
      await capture.start(source.value);
    } catch (error) {
      if (this.capture !== capture) return;
      this.running = false;
      this.capture = null;
      return this.state(BLOCKED.has(error.name) ? "blocked" : "nodevice");
    }
    if (this.capture !== capture) return capture.close(); // stopped while it was asked
    this.listDevices();
    this.offset = elapsed;
    this.state("connecting");
    this.began = this.loudAt = performance.now();
    this.link = new Link({ address: this.address, token: () => this.token(), config: this.config(language.value), tell: this });
  }

  newCapture() {
    return new Capture(this.root.dataset.worklet, (...frame) => this.heard(...frame), () => this.deviceGone());
  }

  config(language) {
    const saves = this.find("audio")?.checked ? { save: true, save_audio: true } : {};
    return { language, acks: true, room: this.root.dataset.room, ...saves };
  }

  get address() {
    return `${location.origin.replace(/^http/, "ws")}/v1/stream`;
  }

  /** Opens one connection. Visitors without an account need none. */
  async token() {
    if (!this.root.dataset.member) return null;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
    const answer = await fetch("/v1/stream/token", { method: "POST", headers, body: "{}" });
    if (answer.ok) return (await answer.json()).token;
    const { error } = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(typeof error === "string" ? error : SENTENCES.refused), { fatal: answer.status < 500 && answer.status !== 429 });
  }

  async stop() {
    const { capture } = this;
    this.capture = null;
    if (!this.link) {
      this.running = false;
      capture?.close();
      return this.state("idle");
    }
    this.state("finishing");
    await capture?.stop();
    this.link?.stop();
  }

  heard(buffer, ms, loud) {
    if (loud) this.loudAt = performance.now();
    this.link?.hear(buffer, ms);
  }

  /** A headset was switched off, or a tab was closed. */
  async deviceGone() {
    if (!this.capture) return;
    const { source } = this.find("choices").elements;
    if (source.value === TAB) return this.stop();
    this.capture.close();
    source.selectedIndex = 0;
    this.capture = this.newCapture();
    try {
      await this.capture.start("");
      this.note("The microphone was taken away. The captions go on with another one.");
    } catch {
      this.stop();
      this.note("The microphone was taken away, and there is no other. The text so far is kept.");
    }
  }

  // What the link tells.

  opened(ready, from, to) {
    if (!this.sessions.some(({ id }) => id === ready.session_id)) this.sessions.push({ id: ready.session_id, said: false });
    this.endsAt ??= performance.now() + ready.expires_in * 1000;
    if (to - from >= SHORTEST_GAP) this.record.add(this.offset + from, this.offset + to, "");
    if (this.capture) this.state("listening");
    this.channel.postMessage({ type: "ready", session_id: ready.session_id });
  }

  message(message) {
    if (message.type === "partial") this.show(message);
    else if (message.type === "transcript" && message.text) {
      this.sessions.at(-1).said = true;
      this.record.add(this.offset + message.start, this.offset + message.end, message.text);
      this.show(message);
      this.kept();
    } else if (message.type === "warning" && message.code === "ending_soon") this.note(message.message);
  }

  show(message) {
    this.stage.show(message);
    this.channel.postMessage(message);
    this.find("behind").textContent = `${message.behind.toFixed(1)} s behind`;
  }

  lost() {
    this.state("reconnecting");
  }

  async ended(reason, sentence, done) {
    const { capture } = this;
    this.elapsed = this.offset + (this.link?.heard ?? 0) / 1000;
    this.capture = this.link = this.endsAt = null;
    this.running = false;
    await capture?.stop();
    const session = this.sessions.at(-1);
    if (done?.transcript && session) session.saved = { title: "the transcript", url: `/transcripts/${done.transcript}/` };
    this.state(reason in STATES ? reason : reason === "stop" ? "ended" : "refused", sentence);
    this.channel.postMessage({ type: "done" });
    this.kept();
  }

  catchUp() {
    this.channel.postMessage({ type: "ready", session_id: this.sessions.at(-1)?.id });
    for (const { text } of this.record.entries.slice(-TOLD_TO_A_WINDOW)) if (text) this.channel.postMessage({ type: "transcript", text });
    if (!this.running) this.channel.postMessage({ type: "done" });
  }

  // What the page says of itself.

  state(name, sentence) {
    const { says, button, bad } = STATES[name];
    const before = this.root.dataset.state;
    this.root.dataset.state = name;
    this.find("state").textContent = says;
    this.find("start").querySelector("span").textContent = button;
    this.find("start").dataset.running = String(Boolean(this.running));
    this.find("hold").disabled = !this.running && !this.stage.held;
    const { source, language } = this.find("choices").elements;
    for (const field of [source, language, this.find("audio")]) if (field) field.disabled = Boolean(this.running);
    if (!this.running) this.find("behind").textContent = "";
    this.note(sentence || SENTENCES[name] || "", bad);
    if (name !== before) announce(says);
  }

  note(text, bad = false) {
    const note = this.find("note");
    note.hidden = !text;
    note.classList.toggle("notice--bad", bad);
    note.querySelector("span").textContent = text;
    if (text) announce(text);
  }

  tick() {
    if (!this.running || !this.link) return;
    this.find("clock").textContent = clock(this.offset + this.link.heard / 1000);
    const quiet = performance.now() - this.loudAt > QUIET_MS;
    const { state } = this.root.dataset;
    if (state === "listening" && quiet) this.state("quiet");
    else if (state === "quiet" && !quiet) this.state("listening");
    const left = (this.endsAt - performance.now()) / 1000;
    if (this.endsAt && left <= WARN_S && !this.warned) {
      this.warned = true;
      this.note("The captions end in a minute: that is as long as your plan allows. Your text is kept, and you can start again.");
    }
  }

  // Where and how.

  hold() {
    this.stage.hold(!this.stage.held);
    const button = this.find("hold");
    button.setAttribute("aria-pressed", String(this.stage.held));
    announce(this.stage.held ? "The text is held. It is still being written below." : "The text goes on.");
  }

  clear() {
    this.stage.clear();
    announce("The caption block is empty.");
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.find("stage").requestFullscreen?.().catch(() => this.note("The browser does not allow full screen here."));
  }

  popout() {
    const address = `${this.root.dataset.view}#here-${this.root.dataset.here}`;
    if (!open(address, "captions", "popup,width=900,height=320")) this.note("The browser blocked the window. Allow pop-ups for this page.");
  }

  bare() {
    const bare = this.root.classList.toggle("live--bare");
    announce(bare ? "The controls are hidden. Press H to show them." : "The controls are back.");
  }
}
