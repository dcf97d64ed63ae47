// What is left of captions: copied, downloaded, saved as a transcript.

import { announce, csrf } from "../page.js";
import { download, TYPES } from "./record.js";

export function keep(page) {
  const { find, record } = page;
  find("copy").addEventListener("click", async () => {
    const done = await navigator.clipboard?.writeText(record.as("txt")).then(() => true, () => false);
    say(find("copy"), done ? "Copied" : "Not allowed");
  });
  for (const [format, type] of Object.entries(TYPES)) {
    find(format).addEventListener("click", () => {
      find(format).closest("[popover]").hidePopover();
      download(`captions.${format}`, type, record.as(format));
    });
  }
  find("save")?.addEventListener("click", () => save(page));
  page.kept = () => kept(page);
  page.kept();
}

function kept({ find, record, sessions, running }) {
  const some = record.entries.some(({ text }) => text);
  for (const name of ["copy", "files"]) find(name).disabled = !some;
  const waiting = sessions.filter((session) => session.said && !session.saved);
  if (find("save")) find("save").disabled = running || !waiting.length;
  const saved = sessions.filter((session) => session.saved);
  find("saved").hidden = !saved.length;
  find("saved").querySelector("span").replaceChildren("Saved: ", ...saved.flatMap(({ saved }, i) => [i ? ", " : "", link(saved)]));
}

function link({ title, url }) {
  return Object.assign(document.createElement("a"), { href: url, textContent: title });
}

async function save(page) {
  page.find("save").disabled = true;
  for (const session of page.sessions.filter(({ said, saved }) => said && !saved)) {
    const address = page.root.dataset.save.replace("SESSION", session.id);
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
    const answer = await fetch(address, { method: "POST", headers, body: "{}" }).catch(() => null);
    const body = await answer?.json().catch(() => null);
    if (answer?.ok) session.saved = body;
    else page.note(body?.error ?? "The server could not be reached. Nothing was saved; the text is still here. Try again.", true);
  }
  if (page.sessions.every(({ said, saved }) => !said || saved)) announce("Saved as a transcript.");
  page.kept();
}

function say(button, text) {
  const label = button.querySelector("span");
  const before = (button.dataset.label ??= label.textContent);
  label.textContent = text;
  announce(text);
  setTimeout(() => (label.textContent = before), 1500);
}
