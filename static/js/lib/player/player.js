// Plays a recording beside its text: lights the word being spoken, seeks to the word that is clicked, follows the voice.

import { ACTIONS, change, chordsOf, sayChord, settings } from "../keymap.js";
import { announce, clock, inField, poll, spoken } from "../page.js";
import { Following } from "./following.js";
import { flash, recall, remember, topTurn, turnAt } from "./place.js";
import { Light, Words } from "../words.js";
import { Wave } from "../wave.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SLOW = 0.75; // replaying a paragraph

/** Resolves to the word times, or null where they cannot be had; the text is still there to read. */
export async function wordsOf(root) {
  if (!root.dataset.words) return null;
  const answer = await fetch(root.dataset.words).catch(() => null);
  if (!answer?.ok) return null;
  return new Words(await answer.json(), root.querySelector("[data-text]"));
}

/** Resolves to a `Player` as soon as there is sound to play, to null where there will be none. */
export async function bring(root, { keys, words }) {
  const bar = root.querySelector(".player");
  if (keys) helpWith(keys, document.getElementById("shortcuts"));
  if (!bar?.querySelector("[data-player=play]")) {
    words.then((found) => found && (root.dataset.ready = "words"));
    return null;
  }
  if (root.dataset.playback === "pending" && !(await prepared(root))) return null;
  return new Player(root, bar, keys, words);
}

function prepared(root) {
  return new Promise((done) => {
    const ask = async () => {
      const now = await (await fetch(root.dataset.progress, { headers: { Accept: "application/json" } })).json();
      if (now.playback === "pending") return true;
      done(now.playback === "ready");
      return false;
    };
    poll(ask, { active: 1000, now: true });
  });
}

function helpWith(keys, help) {
  const single = help.querySelector("[data-player=keys]");
  single.addEventListener("change", () => {
    change({ single: single.checked });
    keys.load();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || inField(event.target) || document.querySelector("dialog[open], :popover-open")) return;
    event.preventDefault();
    help.showModal();
  });
  help.addEventListener("toggle", () => {
    single.checked = settings().single;
    draw(help.querySelector("dl"), keys);
  });
}

/** The keys as they are now, for the actions that this page has. */
function draw(list, keys) {
  const rows = Object.keys(ACTIONS).filter((name) => keys.actions[name] && !/^speaker[2-9]/.test(name));
  list.replaceChildren(...rows.map((name) => {
    const row = document.createElement("div");
    const chords = [...new Set(["reading", "typing"].flatMap((column) => chordsOf(name, column)))];
    const term = document.createElement("dt");
    term.append(...chords.flatMap((chord) => [Object.assign(document.createElement("kbd"), { textContent: sayChord(chord) }), " "]));
    row.append(term, Object.assign(document.createElement("dd"), { textContent: ACTIONS[name].says }));
    return row;
  }));
}

export class Player {
  constructor(root, bar, keys, words) {
    Object.assign(this, { root, bar });
    bar.hidden = false;
    bar.inert = false; // until here a press would be lost
    this.text = root.querySelector("[data-text]");
    this.position = this.part("position");
    this.audio = new Audio();
    this.audio.preload = "metadata";
    this.audio.src = root.dataset.audio;
    this.light = new Light();
    this.wave = new Wave(this.part("wave"), voices(this.text));
    this.words = null;
    this.at = null; // the word being spoken: {line, word}
    this.listeners = new Set();
    this.duration = Number(this.position.max);
    const follow = this.part("follow");
    this.dock = Boolean(follow);
    const parts = { audio: this.audio, bar, back: this.part("back"), button: follow, where: () => this.lit() };
    this.following = this.dock ? new Following(parts) : null;
    this.listen();
    this.control();
    this.click();
    if (this.dock) keys?.on(this.keys());
    if (this.dock) this.remember();
    mediaSession(this);
    words.then((found) => this.meet(found));
    this.peaks();
  }

  part(name) {
    return this.root.querySelector(`[data-player=${name}]`);
  }

  meet(words) {
    if (!words) return;
    this.words = words;
    this.root.dataset.ready = "words";
    this.show();
    this.fromAddress();
  }

  async peaks() {
    const answer = await fetch(this.root.dataset.peaks);
    if (answer.ok) this.wave.load(new Uint8Array(await answer.arrayBuffer()), this.duration);
    else this.bar.classList.add("player--plain");
  }

  // ---- what is heard and shown
  get length() {
    return Number.isFinite(this.audio.duration) && this.audio.duration > 0 ? this.audio.duration : this.duration;
  }

  play() {
    this.until = null;
    this.audio.play().catch(() => {}); // a pause right after it rejects; a file that cannot be played has its own event
  }

  /** Plays a piece and stops; `rate` for this piece only. */
  clip(from, to, rate = this.audio.playbackRate) {
    this.before = this.before ?? this.audio.playbackRate;
    this.seek(from);
    this.play();
    this.audio.playbackRate = rate;
    this.until = to;
  }

  flip() {
    if (!this.audio.paused) return this.audio.pause();
    const rewind = document.activeElement?.isContentEditable ? settings().rewind : 0;
    if (rewind && this.audio.currentTime > 0) this.seek(this.audio.currentTime - rewind);
    this.play();
  }

  seek(seconds) {
    this.until = null;
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.length || Infinity);
    this.following?.resume();
    this.show();
  }

  lit() {
    return this.at?.line.range(this.at.word) ?? null;
  }

  /** Draws where the playhead is. With `anew` also where the word is the same: the text around it has changed. */
  show(anew = false) {
    const now = this.audio.currentTime;
    if (this.until !== null && this.until !== undefined && now >= this.until) this.audio.pause();
    const said = `${spoken(now)} of ${spoken(this.length)}`;
    if (said !== this.said) {
      this.said = said; // once a second, not once a frame: new text is a new layout
      this.part("now").textContent = clock(now);
      this.position.value = now;
      this.position.setAttribute("aria-valuetext", said);
    }
    this.wave.draw(this.length ? now / this.length : 0);
    const at = this.words?.at(now) ?? null;
    if (!anew && at?.line === this.at?.line && at?.word === this.at?.word) return;
    const before = this.at?.line.element.closest(".turn");
    this.light.clear();
    this.at = at;
    this.light.show(this.lit());
    const turn = at?.line.element.closest(".turn");
    if (turn !== before) {
      before?.removeAttribute("aria-current");
      turn?.setAttribute("aria-current", "true");
    }
    if (!this.audio.paused) this.following?.keepInView();
  }

  frame() {
    this.show();
    if (!this.audio.paused) requestAnimationFrame(() => this.frame());
  }

  listen() {
    const { audio } = this;
    audio.addEventListener("play", () => {
      this.toggle(true);
      requestAnimationFrame(() => this.frame());
    });
    audio.addEventListener("pause", () => {
      this.toggle(false);
      if (this.before !== undefined) audio.playbackRate = this.before;
      this.before = this.until = undefined;
    });
    audio.addEventListener("seeked", () => this.show());
    audio.addEventListener("timeupdate", () => this.show()); // goes on in a hidden tab, where no frame is drawn
    audio.addEventListener("loadedmetadata", () => {
      this.duration = this.position.max = audio.duration;
      this.part("length").textContent = clock(audio.duration);
      if (this.left) audio.currentTime = this.left;
      this.fromAddress();
    });
    audio.addEventListener("error", () => {
      if (audio.error) announce("The recording cannot be played. The text is complete.");
      this.bar.classList.add("player--silent");
    });
  }

  toggle(playing) {
    this.part("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    this.bar.querySelector("[data-when=playing]").hidden = !playing;
    this.bar.querySelector("[data-when=paused]").hidden = playing;
  }

  control() {
    this.part("play").addEventListener("click", () => this.flip());
    this.part("speed").addEventListener("click", () => this.speed(0));
    this.position.addEventListener("input", () => this.seek(Number(this.position.value)));
    this.position.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 }[event.key];
      if (step === undefined || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.seek(this.audio.currentTime + step);
    });
  }

  /** `by` 0 takes the next of the usual speeds. */
  speed(by) {
    const { audio } = this;
    const usual = SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length];
    audio.playbackRate = by ? Math.min(2, Math.max(0.5, audio.playbackRate + by)) : usual;
    const said = Number(audio.playbackRate.toFixed(2));
    this.part("speed").textContent = `${said}×`;
    this.part("speed").setAttribute("aria-label", `Speed, ${said} times`);
  }

  // ---- the text is the way through the recording
  click() {
    this.text.addEventListener("click", (event) => {
      const stamp = event.target.closest("a.stamp");
      if (stamp) {
        event.preventDefault();
        history.replaceState(null, "", stamp.getAttribute("href"));
        return this.seek(Number(stamp.closest(".turn").dataset.start));
      }
      if (!this.words || event.target.closest("a, button")) return;
      const editing = event.target.isContentEditable;
      if (editing ? !event.altKey : !getSelection().isCollapsed) return;
      const { line, word } = this.words.under(event.clientX, event.clientY) ?? {};
      if (line) this.seek(line.words[word].start);
    });
    this.root.addEventListener("click", (event) => {
      const place = event.target.closest("a[data-seek]");
      if (!place) return;
      event.preventDefault();
      history.replaceState(null, "", place.getAttribute("href"));
      const seconds = Number(place.dataset.seek);
      const turn = turnAt(this.text, seconds);
      this.seek(seconds);
      turn?.scrollIntoView({ block: "center" });
      flash(turn);
    });
    addEventListener("hashchange", () => this.fromAddress());
  }

  reveal() {
    this.at?.line.element.scrollIntoView({ block: "center" });
  }

  fromAddress() {
    const asked = /^#t=([\d.]+)/.exec(location.hash);
    if (!asked || !this.dock) return;
    this.seek(Number(asked[1]));
    this.reveal();
  }

  turns() {
    return [...this.text.querySelectorAll(".turn")];
  }

  step(by) {
    const now = this.audio.currentTime + 0.05;
    const turns = this.turns();
    const before = turns.filter((turn) => Number(turn.dataset.start) <= now);
    const next = by > 0 ? turns[before.length] : before.at(now - Number(before.at(-1)?.dataset.start ?? 0) > 1.5 ? -1 : -2);
    if (!next) return null;
    this.seek(Number(next.dataset.start));
    next.scrollIntoView({ block: "nearest" });
    return next;
  }

  replay() {
    const turn = this.at?.line.element.closest(".turn");
    if (turn) this.clip(Number(turn.dataset.start), Number(turn.dataset.end), SLOW);
  }

  keys() {
    const by = (seconds) => () => this.seek(this.audio.currentTime + seconds);
    return {
      play: (event) => {
        if (event?.code === "Space" && !this.takesSpace(event.target)) return false;
        this.flip();
      },
      back: by(-3),
      forward: by(3),
      backFar: by(-10),
      forwardFar: by(10),
      slower: () => this.speed(-0.1),
      faster: () => this.speed(0.1),
      previous: () => this.step(-1),
      next: () => this.step(1),
      replay: () => this.replay(),
      follow: () => this.following.flip(),
    };
  }

  /** Elsewhere Space scrolls, or presses what has the focus. */
  takesSpace(target) {
    return target === document.body || (target.closest(".turn, .player") && !target.closest("button, input, a:not(.stamp)"));
  }

  // ---- where the reader left off
  remember() {
    const slug = location.pathname;
    const { seconds, top } = recall(slug);
    this.left = location.hash ? 0 : seconds;
    const [entry] = performance.getEntriesByType("navigation"); // none where a browser hides its timings
    if (top && !location.hash && entry?.type === "navigate") {
      this.turns().find((turn) => Number(turn.dataset.start) >= top)?.scrollIntoView({ block: "start" });
    }
    addEventListener("pagehide", () => remember(slug, { seconds: this.audio.currentTime, top: topTurn(this.text) }));
  }
}

/** Who speaks when, in the colours of the page, for the foot of the wave. */
export function voices(text) {
  return [...text.querySelectorAll(".turn[data-spk]")].map((turn) => ({
    start: Number(turn.dataset.start),
    end: Number(turn.dataset.end),
    colour: getComputedStyle(turn.querySelector(".turn__name")).color,
  }));
}

function mediaSession(player) {
  if (!navigator.mediaSession) return;
  const { audio } = player;
  audio.addEventListener("play", () => {
    navigator.mediaSession.metadata = new MediaMetadata({ title: player.root.dataset.title });
  });
  const handle = (name, action) => navigator.mediaSession.setActionHandler(name, action);
  handle("play", () => player.play());
  handle("pause", () => audio.pause());
  handle("seekbackward", ({ seekOffset }) => player.seek(audio.currentTime - (seekOffset ?? 10)));
  handle("seekforward", ({ seekOffset }) => player.seek(audio.currentTime + (seekOffset ?? 10)));
  handle("seekto", ({ seekTime }) => player.seek(seekTime));
}
