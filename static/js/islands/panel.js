// The panel beside a transcript: tabs, what is made of the text, questions to it.

import { flash, turnAt } from "../lib/player/place.js";
import { Cards, revive } from "../lib/panel/cards.js";
import { Chat } from "../lib/panel/chat.js";
import { Sheet } from "../lib/panel/sheet.js";
import { Tabs } from "../lib/panel/tabs.js";

export default function panel(side) {
  const tabs = new Tabs(side.querySelector("[data-tabs]"), (name) => (side.dataset.open = name));
  const strip = document.querySelector("[data-strip]");
  const sheet = new Sheet(side, strip, (name) => tabs.named(name));
  new Cards(side);
  const conversation = side.querySelector("[data-chat]");
  if (conversation) new Chat(conversation, revive).shown();
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-seek]");
    if (!place || !side.contains(place)) return;
    sheet.hide();
    if (event.defaultPrevented) return; // the player went there
    event.preventDefault();
    const turn = turnAt(document.querySelector("[data-text]"), Number(place.dataset.seek));
    turn?.scrollIntoView({ block: "center" });
    flash(turn);
  });
}
