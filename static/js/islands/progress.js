// A transcript in the making: its state, and its text as it comes.

import { announce, poll } from "../lib/page.js";
import { ended, mayTell } from "../lib/tell.js";

export default function progress(root) {
  const state = root.querySelector("[data-status]");
  const text = root.querySelector("[data-text]");
  let after = 0;
  let segments = 0;
  let said = 0;

  const look = async () => {
    const answer = await fetch(`${root.dataset.url}?after=${after}&segments=${segments}`, { headers: { Accept: "application/json" } });
    if (answer.status === 404) return location.reload(), false;
    if (!answer.ok) return true;
    const now = await answer.json();
    if (!["pending", "processing"].includes(now.state)) {
      announce(now.words);
      ended({ title: root.dataset.title, words: now.words, href: location.href, began: root.dataset.began });
      location.reload();
      return false;
    }
    if (state.innerHTML !== now.html) state.innerHTML = now.html;
    const quarter = Math.floor((state.querySelector("progress")?.value ?? 0) / 25);
    if (quarter > said) announce(`${(said = quarter) * 25} percent`);
    text.insertAdjacentHTML("beforeend", now.turns);
    ({ after, segments } = now);
    return true;
  };
  poll(look, { active: 700, idle: 5000, now: true, always: mayTell() });
}
