// Captions beside their sound: the one that stands now is on the screen, and its times can be changed in place.

import { pageKeys } from "../lib/keymap.js";
import { announce } from "../lib/page.js";
import { morph } from "../lib/morph.js";
import { bring } from "../lib/player/player.js";

const STEP = 0.1; // s, of an arrow key
const LARGE_STEP = 1;

export default async function subtitles(root) {
  const list = root.querySelector("[data-cues]");
  const screen = new Screen(root.querySelector("[data-screen] p"), list);
  edit(list, screen);
  root.dataset.subtitles = "ready";
  const player = await bring(root, { keys: pageKeys(), words: Promise.resolve(null) });
  if (!player) return;
  const { audio } = player;
  const frame = () => {
    screen.show(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(frame);
  };
  audio.addEventListener("play", () => requestAnimationFrame(frame));
  for (const kind of ["seeked", "timeupdate"]) audio.addEventListener(kind, frame);
  list.addEventListener("click", (event) => {
    const number = event.target.closest(".cue__no");
    if (!number) return;
    event.preventDefault();
    history.replaceState(null, "", number.getAttribute("href"));
    const { start, end } = number.closest(".cue").dataset;
    player.clip(Number(start), Number(end));
  });
}

class Screen {
  constructor(text, list) {
    Object.assign(this, { text, list });
    this.now = null;
    this.measure();
  }

  /** Again after times have changed. */
  measure() {
    this.rows = [...this.list.children];
    this.starts = this.rows.map((row) => Number(row.dataset.start));
  }

  show(seconds) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= seconds + 0.0005) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    const now = row && seconds < Number(row.dataset.end) ? row : null;
    if (now === this.now) return;
    this.now?.removeAttribute("aria-current");
    this.now = now;
    now?.setAttribute("aria-current", "true");
    this.text.replaceChildren(...(now ? [...now.querySelectorAll(".cue__text span")].map((line) => line.cloneNode(true)) : []));
  }
}

function edit(list, screen) {
  list.addEventListener("click", async (event) => {
    const link = event.target.closest(".cue__times");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    for (const form of list.querySelectorAll(".cue__form")) close(form);
    const answer = await fetch(link.href).catch(() => null);
    if (!answer?.ok) return void (location.href = link.href); // the page says what is wrong
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector(".cue__form");
    form.action = link.href;
    link.hidden = true;
    link.closest(".cue").append(form);
    form.elements.start.select();
  });

  list.addEventListener("keydown", (event) => {
    const form = event.target.closest(".cue__form");
    if (!form) return;
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") close(form, true);
    else if (by && event.target.localName === "input") {
      event.preventDefault();
      event.target.value = moved(event.target.value, by * (event.shiftKey ? LARGE_STEP : STEP));
    }
  });

  list.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    const row = form.closest(".cue");
    form.querySelector("button").disabled = true;
    const headers = { Accept: "application/json" };
    const answer = await fetch(form.action, { method: "POST", headers, body: new FormData(form) }).catch(() => null);
    form.querySelector("button").disabled = false;
    if (answer?.ok) return saved(row, (await answer.json()).rows);
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    tell(form, page?.querySelector(".field__error")?.textContent ?? "The server could not be reached. Nothing was changed; save again.");
  });

  function saved(row, fresh) {
    if (!fresh) return location.replace(`#${row.id}`), location.reload();
    close(row.querySelector(".cue__form"));
    for (const [number, html] of Object.entries(fresh)) {
      const old = document.getElementById(`c${number}`);
      const made = document.createElement("template");
      made.innerHTML = html.trim();
      if (old) morph(old, made.content.firstElementChild);
    }
    screen.measure();
    const [from, to] = [...row.querySelectorAll(".cue__times span")].map((time) => time.textContent);
    announce(`Saved. It stands from ${from} to ${to}.`);
    row.querySelector(".cue__times").focus();
  }
}

function close(form, focus = false) {
  const link = form.closest(".cue").querySelector(".cue__times");
  form.remove();
  link.hidden = false;
  if (focus) link.focus();
}

function tell(form, words) {
  let line = form.querySelector(".field__error");
  if (!line) form.append((line = document.createElement("p")));
  Object.assign(line, { className: "field__error", textContent: words });
  line.setAttribute("role", "alert");
}

/** A time such as 1:04.250, some seconds on. What is no time stays as it is. */
function moved(text, by) {
  const match = /^(?:(\d+):)?(\d+):(\d+)(?:[.,](\d{1,3}))?$/.exec(text.trim());
  if (!match) return text;
  const [hours, minutes, seconds] = match.slice(1, 4).map((part) => Number(part ?? 0));
  const ms = Math.max(0, ((hours * 60 + minutes) * 60 + seconds) * 1000 + Number((match[4] ?? "0").padEnd(3, "0")) + Math.round(by * 1000));
  const pad = (number, size = 2) => String(number).padStart(size, "0");
  const [h, m, s] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60];
  return `${h ? `${h}:${pad(m)}` : m}:${pad(s)}.${pad(ms % 1000, 3)}`;
}
