// The settings of player and keys, which this browser keeps.

import { ACTIONS, change, chordOf, chordsOf, clash, KEPT, PRESETS, sayChord, settings } from "../lib/keymap.js";

const FIXED = { Enter: "parts the paragraph", Tab: "leaves the paragraph", Backspace: "deletes", Delete: "deletes" };

export default function hotkeys(card) {
  const form = card.querySelector("form");
  const rows = card.querySelector("tbody");
  const message = card.querySelector("[role=status]");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.preset.append(...Object.entries(PRESETS).map(([name, { says }]) => new Option(says, name)));
  rows.append(...Object.keys(ACTIONS).map((action) => row(action)));
  fill();

  form.addEventListener("change", ({ target }) => {
    if (target.name === "preset") change({ preset: target.value, own: {} });
    else if (target.name === "rewind") change({ rewind: Number(target.value) });
    else change({ [target.name]: target.checked });
    fill();
    message.textContent = "Saved in this browser";
  });
  form.querySelector("[data-do=defaults]").addEventListener("click", () => {
    localStorage.removeItem("keys");
    fill();
    message.textContent = "Back to the defaults";
  });

  function fill() {
    const now = settings();
    form.elements.preset.value = now.preset;
    form.elements.rewind.value = now.rewind;
    for (const name of ["pause", "hold", "single"]) form.elements[name].checked = now[name];
    for (const button of rows.querySelectorAll("button")) show(button);
  }

  function row(action) {
    const line = document.createElement("tr");
    line.append(Object.assign(document.createElement("th"), { scope: "row", textContent: ACTIONS[action].says }));
    for (const [column, label] of [["reading", "Reading"], ["typing", "While typing"]]) {
      const cell = document.createElement("td");
      cell.dataset.label = label;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn--small" });
      Object.assign(button.dataset, { action, column });
      button.addEventListener("click", () => ask(button));
      button.addEventListener("blur", () => show(button));
      button.addEventListener("keydown", (event) => button.dataset.asks && take(event, button));
      cell.append(button);
      line.append(cell);
    }
    return line;
  }

  function show(button) {
    const { action, column } = button.dataset;
    delete button.dataset.asks;
    button.textContent = chordsOf(action, column).map(sayChord).join(" or ") || "None";
    button.ariaLabel = `${ACTIONS[action].says}, ${column}: ${button.textContent}. Change`;
  }

  function ask(button) {
    button.dataset.asks = "1";
    button.textContent = "Press keys…";
    message.textContent = "Press the keys that should do this; Tab leaves it as it is.";
  }

  function take(event, button) {
    const chord = chordOf(event);
    if (!chord || event.code === "Tab") return;
    event.preventDefault();
    const { action, column } = button.dataset;
    const refusal = why(chord, action, column);
    if (!refusal) change({ own: { ...settings().own, [`${action}/${column}`]: chord } });
    show(button);
    message.textContent = refusal ?? `${sayChord(chord)} is saved in this browser`;
  }

  function why(chord, action, column) {
    const other = clash(chord, action, column);
    if (other) return `${sayChord(chord)} already means “${ACTIONS[other].says}”. Nothing was changed.`;
    if (KEPT.includes(chord)) return `${sayChord(chord)} belongs to the browser. Nothing was changed.`;
    if (column === "typing" && FIXED[chord]) return `${chord} ${FIXED[chord]} while you type. Nothing was changed.`;
    if (column === "typing" && /^(Shift\+)?(Key|Digit|Space|Comma|Period|Slash|Bracket|Semicolon|Quote|Minus|Equal|Back|Numpad|Arrow)/.test(chord)) {
      return "That key is needed for typing: add Alt or Ctrl, or take a function key. Nothing was changed.";
    }
    return null;
  }
}
