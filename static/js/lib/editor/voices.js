// The speakers: how long each talks, how each sounds, who says what.

import { Turns } from "./turns.js";

const SAMPLE = 6; // s

export class Voices {
  /** `list` is the panel's list, `dialog` asks for names; `ask` has rename, merge and assign, which resolve when done. */
  constructor({ list, dialog, turns, player, ask }) {
    Object.assign(this, { list, dialog, turns, player, ask });
    list?.addEventListener("click", (event) => this.press(event.target.closest("button")));
    for (const form of dialog.querySelectorAll("form[data-do]")) {
      form.addEventListener("submit", (event) => this.submit(event, form));
    }
    dialog.querySelector("[data-do=sample]").addEventListener("click", () => this.sample(this.speaker));
    dialog.querySelector("[name=speaker]").addEventListener("change", () => this.sayNew());
  }

  draw() {
    if (!this.list) return;
    this.list.parentElement.querySelector("[data-do=name]").hidden = this.turns.speakers.length > 0;
    const blank = this.list.querySelector("template");
    const focused = document.activeElement?.closest?.("[data-voice]")?.dataset.voice;
    const rows = this.turns.talk().map(({ id, name, colour, share }) => {
      const row = blank.content.firstElementChild.cloneNode(true);
      row.dataset.voice = id;
      row.dataset.spk = colour;
      row.querySelector("bdi").textContent = name;
      row.querySelector("[data-part=share]").textContent = `${share} %`;
      const bar = row.querySelector("progress");
      bar.value = share;
      bar.ariaLabel = `${name}: ${share} % of the talk`;
      row.querySelector("[data-do=sample]").ariaLabel = `Hear ${name}`;
      row.querySelector("[data-do=sample]").hidden = !this.player();
      return row;
    });
    this.list.replaceChildren(blank, ...rows);
    this.list.querySelector(`[data-voice="${focused}"] .voice__name`)?.focus();
  }

  press(button) {
    const id = Number(button?.closest("[data-voice]")?.dataset.voice);
    if (button?.dataset.do === "sample") this.sample(id);
    else if (button) this.open(id);
  }

  /** A stretch of the speaker's longest turn. */
  sample(id) {
    const own = this.turns.all().filter(({ dataset }) => dataset.speaker !== "" && Number(dataset.speaker) === id);
    const length = ({ dataset }) => dataset.end - dataset.start;
    const longest = own.reduce((best, turn) => (best && length(best) >= length(turn) ? best : turn), null);
    if (!longest) return;
    const start = Number(longest.dataset.start);
    this.player()?.clip(start, Math.min(start + SAMPLE, Number(longest.dataset.end)));
  }

  /** With a `turn` it can be given to somebody else; without, the whole speaker can be. */
  open(id, turn = null) {
    Object.assign(this, { speaker: id, turn });
    const { speakers } = this.turns;
    const name = speakers.find((one) => one.id === id)?.name ?? "";
    const part = (what) => this.dialog.querySelector(`[data-do=${what}]`);
    this.dialog.querySelector("h2 bdi").textContent = name || "Speaker";
    part("rename").hidden = !name;
    part("sample").hidden = !name || !this.player();
    part("rename").elements.name.value = name;
    part("assign").hidden = !turn;
    part("merge").hidden = Boolean(turn) || speakers.length < 2;
    for (const select of this.dialog.querySelectorAll("select[data-speakers]")) {
      const others = speakers.filter((one) => one.id !== id);
      const options = others.map((one) => new Option(one.name, one.id));
      if (select.name === "speaker") options.push(new Option("Somebody new…", "new"));
      select.replaceChildren(...options);
    }
    part("assign").elements.name.value = "";
    part("assign").elements.scope.value = name ? "turn" : "everywhere";
    this.sayNew();
    this.sayError("");
    this.dialog.showModal();
    (turn ? part("assign").elements.speaker : part("rename").elements.name).focus();
  }

  sayNew() {
    const form = this.dialog.querySelector("[data-do=assign]");
    form.querySelector("[data-part=new]").hidden = form.elements.speaker.value !== "new";
    form.elements.name.required = form.elements.speaker.value === "new";
  }

  sayError(words) {
    const place = this.dialog.querySelector("[data-part=error]");
    place.textContent = words;
    place.hidden = !words;
  }

  async submit(event, form) {
    event.preventDefault();
    const value = (name) => form.elements[name]?.value.trim();
    const acts = {
      rename: () => this.ask.rename(this.speaker, value("name")),
      merge: () => this.ask.merge(this.speaker, Number(value("into"))),
      assign: () => {
        const whom = value("speaker") === "new" ? { name: value("name") } : { speaker: Number(value("speaker")) };
        return this.ask.assign(Turns.id(this.turn), { ...whom, scope: value("scope") });
      },
    };
    const trouble = await acts[form.dataset.do]();
    if (trouble) return this.sayError(trouble);
    this.dialog.close();
    // The panel's rows are new: what opened the dialog may be gone with its speaker.
    if (!this.turn) this.list.querySelector(`[data-voice="${value("into") ?? this.speaker}"] .voice__name`)?.focus();
  }
}
