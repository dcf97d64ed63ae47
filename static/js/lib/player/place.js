// Where the reader is: the playhead and the paragraph at the top of the screen, for each transcript, in this browser.

const MOST = 200; // transcripts remembered

const key = (slug) => `place:${slug}`;

export function recall(slug) {
  try {
    return JSON.parse(localStorage.getItem(key(slug))) ?? {};
  } catch {
    return {};
  }
}

export function remember(slug, place) {
  const others = Object.keys(localStorage).filter((name) => name.startsWith("place:"));
  if (others.length > MOST) others.slice(MOST).forEach((name) => localStorage.removeItem(name));
  localStorage.setItem(key(slug), JSON.stringify(place));
}

/** The start in s of the first paragraph that is on the screen; 0 at the top of the page. */
export function topTurn(text) {
  if (scrollY < 40) return 0;
  const box = text.getBoundingClientRect();
  const turn = document.elementFromPoint(box.left + box.width / 2, 40)?.closest(".turn");
  return Number(turn?.dataset.start ?? 0);
}

/** The paragraph that is heard at that time, or just before it. */
export function turnAt(text, seconds) {
  return [...text.querySelectorAll(".turn")].findLast((turn) => Number(turn.dataset.start) <= seconds + 0.05);
}

const FLASH = 1600; // ms

/** Shows for a moment where a link led to. */
export function flash(turn) {
  if (!turn) return;
  turn.classList.add("turn--found");
  setTimeout(() => turn.classList.remove("turn--found"), FLASH);
}
