// Plays a recording beside its text: lights the word being spoken, seeks to the word that is clicked, follows the voice.

import { announce, clock, inField, poll, spoken } from "../lib/page.js";
import { Light, Words } from "../lib/words.js";
import { Wave } from "../lib/wave.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export default function player(root) {
  const bar = root.querySelector(".player");
  if (!bar?.querySelector("[data-player=play]")) return;
  if (root.dataset.playback === "pending") {
    poll(async () => {
      const now = await (await fetch(root.dataset.progress, { headers: { Accept: "application/json" } })).json();
      if (now.playback === "pending") return true;
      if (now.playback === "ready") start(root, bar);
      return false;
    }, { active: 1000, now: true });
    return;
  }
  start(root, bar);
}

function start(root, bar) {
  bar.hidden = false;
  const part = (name) => root.querySelector(`[data-player=${name}]`);
  const text = root.querySelector("[data-text]");
  const position = part("position");
  const audio = new Audio();
  audio.preload = "metadata";
  audio.src = root.dataset.audio;
  const light = new Light();
  const turns = [...text.querySelectorAll(".turn")];
  const wave = new Wave(part("wave"), speakers(turns));
  let words = null;
  let current = -1;
  let duration = Number(position.max);

  // ---- what is heard and shown
  const length = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : duration);

  // A pause right after it rejects the promise; a file that cannot be played has its own event.
  const play = () => audio.play().catch(() => {});

  function seek(seconds) {
    audio.currentTime = Math.min(Math.max(0, seconds), length() || Infinity);
    resume();
    show();
  }

  function show() {
    const now = audio.currentTime;
    part("now").textContent = clock(now);
    position.value = now;
    position.setAttribute("aria-valuetext", `${spoken(now)} of ${spoken(length())}`);
    wave.draw(length() ? now / length() : 0);
    const word = words ? words.at(now) : -1;
    if (word === current) return;
    const before = current < 0 ? null : words.element(current)?.closest(".turn");
    current = word;
    light.clear();
    const range = word < 0 ? null : words.range(word);
    light.show(range);
    const turn = word < 0 ? null : words.element(word)?.closest(".turn");
    if (turn !== before) {
      before?.removeAttribute("aria-current");
      turn?.setAttribute("aria-current", "true");
    }
    if (!audio.paused) keepInView(range);
  }

  function frame() {
    show();
    if (!audio.paused) requestAnimationFrame(frame);
  }

  audio.addEventListener("play", () => {
    toggle(true);
    requestAnimationFrame(frame);
  });
  audio.addEventListener("pause", () => toggle(false));
  audio.addEventListener("seeked", show);
  audio.addEventListener("timeupdate", show); // goes on in a hidden tab, where no frame is drawn
  audio.addEventListener("loadedmetadata", () => {
    duration = audio.duration;
    position.max = duration;
    part("length").textContent = clock(duration);
    fromAddress();
  });
  audio.addEventListener("error", () => {
    if (audio.error) announce("The recording cannot be played. The text is complete.");
    bar.classList.add("player--silent");
  });

  function toggle(playing) {
    part("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    bar.querySelector("[data-when=playing]").hidden = !playing;
    bar.querySelector("[data-when=paused]").hidden = playing;
  }

  const flip = () => (audio.paused ? play() : audio.pause());
  part("play").addEventListener("click", flip);
  position.addEventListener("input", () => seek(Number(position.value)));
  position.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    seek(audio.currentTime + step);
  });

  function speed(by) {
    const at = SPEEDS.indexOf(audio.playbackRate);
    audio.playbackRate = by ? Math.min(2, Math.max(0.5, audio.playbackRate + by)) : SPEEDS[(at + 1) % SPEEDS.length];
    const said = Number(audio.playbackRate.toFixed(2));
    part("speed").textContent = `${said}×`;
    part("speed").setAttribute("aria-label", `Speed, ${said} times`);
  }
  part("speed").addEventListener("click", () => speed(0));

  // ---- following: the page goes with the voice until the reader turns away, and says how to come back
  let following = true;
  let away = false;
  let ours = 0; // when the page last scrolled by itself
  let theirs = 0; // when the reader last did what scrolls

  function keepInView(range) {
    if (!following || away || !range || !part("follow")) return;
    const box = range.getBoundingClientRect();
    const floor = bar.getBoundingClientRect().top;
    if (box.top > 80 && box.bottom < floor - 60) return;
    ours = performance.now();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollBy({ top: box.top - innerHeight * 0.35, behavior: calm ? "auto" : "smooth" });
  }

  function resume() {
    away = false;
    if (part("back")) part("back").hidden = true;
  }

  function turnedAway() {
    if (!following || away || audio.paused || current < 0) return;
    if (performance.now() - ours < 900 && performance.now() - theirs > 900) return;
    const box = words.range(current)?.getBoundingClientRect();
    if (!box || (box.bottom > 0 && box.top < bar.getBoundingClientRect().top)) return;
    away = true;
    part("back").hidden = false;
  }

  function follow(on) {
    following = on;
    part("follow").setAttribute("aria-pressed", String(on));
    resume();
    if (on && current >= 0) keepInView(words.range(current));
  }

  if (part("follow")) {
    part("follow").addEventListener("click", () => follow(!following));
    part("back").addEventListener("click", () => follow(true));
    for (const kind of ["wheel", "touchmove", "keydown"]) addEventListener(kind, () => (theirs = performance.now()), { passive: true });
    addEventListener("scroll", turnedAway, { passive: true });
  }

  // ---- the text is the way through the recording
  text.addEventListener("click", (event) => {
    const stamp = event.target.closest("a.stamp");
    if (stamp) {
      event.preventDefault();
      history.replaceState(null, "", stamp.getAttribute("href"));
      seek(Number(stamp.closest(".turn").dataset.start));
      return;
    }
    if (!words || event.target.closest("a, button") || !getSelection().isCollapsed) return;
    const word = words.under(event.clientX, event.clientY);
    if (word >= 0) seek(words.starts[word]);
  });

  root.querySelector(".doc__side")?.addEventListener("click", (event) => {
    const place = event.target.closest("[data-seek]");
    if (!place) return;
    event.preventDefault();
    history.replaceState(null, "", place.getAttribute("href"));
    seek(Number(place.dataset.seek));
    if (current >= 0) words.element(current)?.scrollIntoView({ block: "center" });
  });

  function fromAddress() {
    const asked = /^#t=([\d.]+)/.exec(location.hash);
    if (asked && part("follow")) {
      seek(Number(asked[1]));
      if (current >= 0) words.element(current)?.scrollIntoView({ block: "center" });
    }
  }
  addEventListener("hashchange", fromAddress);

  function step(by) {
    const now = audio.currentTime + 0.05;
    const before = turns.filter((turn) => Number(turn.dataset.start) <= now);
    const next = by > 0 ? turns[before.length] : before.at(now - Number(before.at(-1)?.dataset.start ?? 0) > 1.5 ? -1 : -2);
    if (!next) return;
    seek(Number(next.dataset.start));
    next.scrollIntoView({ block: "nearest" });
  }

  if (part("follow")) keyboard({ root, flip, seek, speed, step, follow: () => follow(!following), audio });
  mediaSession(root, audio, play, seek);

  fetch(root.dataset.words).then(async (answer) => {
    if (!answer.ok) return;
    words = new Words(await answer.json(), text);
    root.dataset.ready = "words";
    show();
    fromAddress();
  });
  fetch(root.dataset.peaks).then(async (answer) => {
    if (answer.ok) wave.load(new Uint8Array(await answer.arrayBuffer()), duration);
    else bar.classList.add("player--plain");
  });
}

function speakers(turns) {
  return turns
    .filter((turn) => turn.dataset.spk)
    .map((turn) => ({
      start: Number(turn.dataset.start),
      end: Number(turn.dataset.end),
      colour: getComputedStyle(turn.querySelector(".turn__name")).color,
    }));
}

function keyboard({ root, flip, seek, speed, step, follow, audio }) {
  const help = document.getElementById("shortcuts");
  const box = help.querySelector("[data-player=keys]");
  box.checked = localStorage.getItem("single-keys") !== "off";
  box.addEventListener("change", () => localStorage.setItem("single-keys", box.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (inField(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], :popover-open")) return;
    if (event.key === "?") return event.preventDefault(), help.showModal();
    if (!box.checked) return;
    const far = event.shiftKey ? 10 : 3;
    const onText = event.target.closest?.(".turn, .player") && !event.target.closest("button, a, input");
    const actions = {
      KeyK: flip,
      Space: event.target === document.body || onText ? flip : null,
      KeyJ: () => seek(audio.currentTime - far),
      KeyL: () => seek(audio.currentTime + far),
      ArrowLeft: () => seek(audio.currentTime - far),
      ArrowRight: () => seek(audio.currentTime + far),
      Comma: () => speed(-0.1),
      Period: () => speed(0.1),
      BracketLeft: () => step(-1),
      BracketRight: () => step(1),
      KeyF: follow,
    };
    const action = actions[event.code];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function mediaSession(root, audio, play, seek) {
  if (!navigator.mediaSession) return;
  audio.addEventListener("play", () => {
    navigator.mediaSession.metadata = new MediaMetadata({ title: root.dataset.title });
  });
  const handle = (name, action) => navigator.mediaSession.setActionHandler(name, action);
  handle("play", play);
  handle("pause", () => audio.pause());
  handle("seekbackward", ({ seekOffset }) => seek(audio.currentTime - (seekOffset ?? 10)));
  handle("seekforward", ({ seekOffset }) => seek(audio.currentTime + (seekOffset ?? 10)));
  handle("seekto", ({ seekTime }) => seek(seekTime));
}
