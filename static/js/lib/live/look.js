// How captions look: the reader's choice, kept in this browser, and what the address says, for a screen without a keyboard.

const STORE = "captions";
const FONTS = { sans: "var(--ui)", serif: "var(--read)", mono: "var(--mono)", readable: "Verdana, Tahoma, 'DejaVu Sans', sans-serif" };
/** Text, tail, background; every pair is at least 7:1. */
export const PRESETS = {
  "white-black": ["#ffffff", "#b4b7bf", "#000000"],
  "yellow-black": ["#ffe14d", "#c9b968", "#000000"],
  "black-white": ["#000000", "#4f535b", "#ffffff"],
  paper: ["#181b20", "#4f535b", "#fbfaf7"],
};
const FRESH = {
  preset: "white-black", text: "", background: "", opacity: 100, size: innerWidth < 640 ? 28 : 40, lines: 4, width: 34, height: 140, weight: 500,
  font: "sans", stroke: 0, place: "top",
};
const RANGES = { size: [24, 160], lines: [2, 8], width: [20, 60], height: [110, 200], opacity: [0, 100], stroke: [0, 6], weight: [400, 800] };

export class Look {
  /** `stage` takes the look; `form`, where there is one, changes it. */
  constructor(stage, form) {
    Object.assign(this, { stage, form });
    this.now = { ...FRESH, ...stored(), ...named(new URLSearchParams(location.search)) };
    addEventListener("storage", ({ key }) => key === STORE && this.take(stored()));
    form?.addEventListener("input", ({ target }) => target.name in FRESH && this.choose(target));
    form?.querySelector("[data-do=defaults]")?.addEventListener("click", () => this.change(FRESH));
    this.draw();
  }

  choose({ name, value, type }) {
    const changes = { [name]: type === "range" ? Number(value) : value };
    if (name === "preset") Object.assign(changes, { text: "", background: "" });
    this.change(changes);
  }

  change(changes) {
    this.take(changes);
    localStorage.setItem(STORE, JSON.stringify(this.now));
  }

  take(changes) {
    Object.assign(this.now, changes);
    this.draw();
  }

  larger(by) {
    const [least, most] = RANGES.size;
    this.change({ size: Math.max(least, Math.min(most, this.now.size + by)) });
  }

  draw() {
    const { now } = this;
    const [text, tail, background] = PRESETS[now.preset] ?? PRESETS[FRESH.preset];
    const values = {
      "--cap-text": now.text || text,
      "--cap-tail": now.text || tail,
      "--cap-back": `color-mix(in srgb, ${now.background || background} ${now.opacity}%, transparent)`,
      "--cap-edge": now.background || background,
      "--cap-size": `${now.size}px`,
      "--cap-lines": now.lines,
      "--cap-width": `${now.width}ch`,
      "--cap-height": now.height / 100,
      "--cap-weight": now.weight,
      "--cap-font": FONTS[now.font] ?? FONTS.sans,
      "--cap-stroke": `${now.stroke}px`,
    };
    for (const [name, value] of Object.entries(values)) this.stage.style.setProperty(name, value);
    this.stage.dataset.place = now.place;
    if (this.form) this.fill();
  }

  fill() {
    const [text, , background] = PRESETS[this.now.preset] ?? PRESETS[FRESH.preset];
    const shown = { ...this.now, text: this.now.text || text, background: this.now.background || background };
    for (const [name, value] of Object.entries(shown)) {
      const field = this.form.elements[name];
      if (field) field.value = value;
      const output = this.form.querySelector(`output[for="look-${name}"]`);
      if (output) output.textContent = `${name === "height" ? value / 100 : value}${output.dataset.unit ?? ""}`;
    }
  }
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

/** Of an address: ?bg=transparent&size=48&preset=yellow-black */
function named(query) {
  const found = {};
  if (query.get("bg") === "transparent") Object.assign(found, { opacity: 0, stroke: 3 }); // readable over any picture
  for (const [name, value] of query) {
    const range = RANGES[name];
    if (range && Number.isFinite(Number(value))) found[name] = Math.max(range[0], Math.min(range[1], Number(value)));
    else if (/^#?[0-9a-f]{6}$/i.test(value) && ["text", "background"].includes(name)) found[name] = `#${value.replace("#", "")}`;
    else if (name === "preset" ? value in PRESETS : name === "font" ? value in FONTS : name === "place") found[name] = value;
  }
  return found;
}
