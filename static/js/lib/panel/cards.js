// What is made of the text, when it is asked for: a form is sent, and the card that the server drew takes its place.

import { announce } from "../page.js";

const SHOW_BUSY = 300; // ms; what is quicker needs no sign
const LOST = "The server could not be reached. Nothing was made; try again.";

export class Cards {
  constructor(side) {
    this.side = side;
    side.addEventListener("submit", (event) => {
      if (!event.target.matches("[data-make]")) return;
      event.preventDefault();
      this.make(event.target);
    });
    side.addEventListener("change", ({ target }) => target.name === "style" && this.look(target.form));
    side.addEventListener("click", ({ target }) => target.closest("[data-do=copy]") && copy(target.closest("[data-do=copy]")));
    document.addEventListener("edited", () => {
      for (const stale of side.querySelectorAll("[data-stale]")) stale.hidden = false;
    });
    revive(side);
  }

  /** Of another style: what is there. */
  look(form) {
    const query = new URLSearchParams({ kind: form.elements.kind.value, style: form.elements.style.value, part: 1 });
    return this.swap(form, fetch(`${form.action}?${query}`));
  }

  async make(form) {
    const body = new FormData(form);
    body.set("part", "1");
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    const fresh = await this.swap(form, fetch(form.action, { method: "POST", body }));
    if (fresh) announce(fresh.querySelector("[role=alert]")?.textContent ?? "Ready");
  }

  async swap(form, asked) {
    const card = form.closest("[data-made]");
    card.setAttribute("aria-busy", "true");
    const held = card.contains(document.activeElement);
    const timer = setTimeout(() => (card.querySelector(".made__busy").hidden = false), SHOW_BUSY);
    const answer = await asked.catch(() => null);
    clearTimeout(timer);
    if (answer?.redirected) return void location.reload(); // signed out
    const drawn = document.createElement("template");
    drawn.innerHTML = answer ? await answer.text() : "";
    const fresh = drawn.content.querySelector("[data-made]");
    if (!fresh) return this.fail(card);
    card.replaceWith(fresh);
    revive(fresh);
    if (held) (fresh.querySelector("select, summary, button") ?? fresh).focus({ preventScroll: true });
    return fresh;
  }

  fail(card) {
    card.removeAttribute("aria-busy");
    card.querySelector(".made__busy").hidden = true;
    for (const button of card.querySelectorAll("button")) button.disabled = false;
    announce(LOST);
    card.querySelector("[data-lost]")?.remove();
    const words = Object.assign(document.createElement("p"), { className: "notice notice--bad", textContent: LOST });
    words.dataset.lost = "";
    card.prepend(words);
    return null;
  }
}

export function revive(root) {
  for (const button of root.querySelectorAll("[data-do=copy]")) button.hidden = !navigator.clipboard;
}

async function copy(button) {
  await navigator.clipboard.writeText(button.closest("[data-made], [data-turn-of]").querySelector("[data-text-of]").innerText);
  announce("Copied");
  const label = button.lastChild;
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 1500);
}
