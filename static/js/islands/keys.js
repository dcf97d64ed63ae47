// The panel of a new key: copy it, try it, and let nobody find it by a step back.

import { announce, copied } from "../lib/page.js";
import { sentence } from "../lib/tus.js";

export default function created(panel) {
  const field = panel.querySelector("#new-key");
  const copy = panel.querySelector("[data-copy-key]");
  const run = panel.querySelector("[data-run]");
  let safe = false;

  // A reload would send the form again; now it asks for the list.
  history.replaceState(null, "", panel.dataset.home);
  addEventListener("beforeunload", (event) => safe || event.preventDefault());
  addEventListener("pagehide", () => panel.remove()); // the page may come back from memory
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const done = await copied(field);
    const label = copy.querySelector("span");
    label.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? "Copied" : "The key is selected. Press Control C to copy it.");
    safe ||= done;
    setTimeout(() => (label.textContent = "Copy"), 2000);
  });
  document.addEventListener("copy", () => (safe = true));
  for (const button of panel.querySelectorAll("[data-copy]")) button.addEventListener("click", () => (safe = true));
  panel.querySelector("#created-h").focus();

  if (run) tryOut(panel, run, () => field.value);
}

function tryOut(panel, run, key) {
  const button = run.querySelector("button");
  const box = panel.querySelector("[data-answer]");
  const state = box.querySelector("[data-state]");
  const shown = box.querySelector("code");
  run.hidden = false;

  button.addEventListener("click", async () => {
    button.disabled = true;
    box.hidden = false;
    box.setAttribute("aria-busy", "true");
    say("is-work", "Sending the sample");
    shown.textContent = "";
    try {
      const body = new FormData();
      body.append("file", await (await fetch(panel.dataset.sample)).blob(), "sample.mp3");
      const began = performance.now();
      const answer = await fetch("/v1/transcribe", { method: "POST", headers: { Authorization: `Bearer ${key()}` }, body });
      const text = await answer.text();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      shown.textContent = pretty(text);
      say(answer.ok ? "is-ok" : "is-bad", answer.ok ? `200 in ${seconds} s` : `${answer.status}: ${sentence(answer.status, text)}`);
    } catch {
      say("is-bad", "The server could not be reached. Nothing was charged.");
    }
    box.removeAttribute("aria-busy");
    button.disabled = false;
  });

  function say(tone, words) {
    state.className = `status ${tone}`;
    state.textContent = words;
    announce(words);
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
