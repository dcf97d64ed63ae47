// Which key does what, as settings of this browser. Keys are named by their place on the keyboard (KeyboardEvent.code), so
// that Alt+K works on a Mac, where it types "˚", and on other layouts. "Mod" is Command on a Mac and Control elsewhere.

import { inField } from "./page.js";

const MAC = /Mac|iP(hone|ad)/.test(navigator.platform);
const STORE = "keys";

/** `reading` works outside of fields; `typing` works inside a turn that is being edited, and outside too. */
export const ACTIONS = {
  play: { says: "Play, pause", reading: ["KeyK", "Space"], typing: ["Alt+KeyK"] },
  back: { says: "Back 3 s", reading: ["KeyJ", "ArrowLeft"], typing: ["Alt+KeyJ"] },
  forward: { says: "Forward 3 s", reading: ["KeyL", "ArrowRight"], typing: ["Alt+KeyL"] },
  backFar: { says: "Back 10 s", reading: ["Shift+KeyJ", "Shift+ArrowLeft"], typing: ["Alt+Shift+KeyJ"] },
  forwardFar: { says: "Forward 10 s", reading: ["Shift+KeyL", "Shift+ArrowRight"], typing: ["Alt+Shift+KeyL"] },
  slower: { says: "Slower", reading: ["Comma"], typing: ["Alt+Comma"] },
  faster: { says: "Faster", reading: ["Period"], typing: ["Alt+Period"] },
  replay: { says: "This paragraph again, at 0.75×", reading: ["KeyR"], typing: ["Alt+KeyR"] },
  previous: { says: "Paragraph before", reading: ["BracketLeft"], typing: ["Alt+ArrowUp"] },
  next: { says: "Paragraph after", reading: ["BracketRight"], typing: ["Alt+ArrowDown"] },
  follow: { says: "Follow the words", reading: ["KeyF"], typing: [] },
  edit: { says: "Edit the paragraph, or the doubtful word", reading: ["KeyE"], typing: [] },
  leave: { says: "Save and leave the paragraph", reading: [], typing: ["Escape"] },
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`speaker${n}`, { says: `Speaker ${n} says this`, reading: [], typing: [`Alt+Digit${n}`] }]),
  ),
  doubt: { says: "Next doubtful word", reading: ["KeyN"], typing: ["Alt+KeyN"] },
  accept: { says: "The doubtful word is right", reading: ["KeyA"], typing: ["Alt+KeyA"] },
  find: { says: "Find", reading: [], typing: ["Mod+KeyF"] },
  replace: { says: "Find and replace", reading: [], typing: ["Mod+Alt+KeyF"] },
  undo: { says: "Undo", reading: [], typing: ["Mod+KeyZ"] },
  redo: { says: "Redo", reading: [], typing: ["Mod+Shift+KeyZ"] },
  palette: { says: "Go to a page, a transcript or an action", reading: [], typing: ["Mod+KeyK"] },
  upload: { says: "New upload", reading: ["KeyU"], typing: [] },
};

/** What a preset changes of the keys above, in the column for typing. */
export const PRESETS = {
  default: { says: "Default", typing: {} },
  otranscribe: {
    says: "oTranscribe",
    typing: { play: ["Escape"], back: ["F1"], forward: ["F2"], slower: ["F3"], faster: ["F4"], leave: ["Mod+Enter"] },
  },
  pedal: {
    says: "Foot pedal",
    typing: { play: ["F4"], back: ["F1"], forward: ["F2"], slower: ["F3"] },
  },
};

const EVERYWHERE = ["find", "replace", "palette"];
/** Chords that a browser keeps for itself, whatever a page says. */
export const KEPT = ["Mod+KeyT", "Mod+KeyW", "Mod+KeyN", "Mod+Shift+KeyN", "Mod+Shift+KeyT", "Mod+Tab", "F11"];

const FRESH = { preset: "default", own: {}, single: true, rewind: 1, pause: false, hold: false };

/** {preset, own: {"play/typing": chord}, single letters work, rewind in s, pause while typing, play while the key is held}. */
export function settings() {
  try {
    return { ...FRESH, ...JSON.parse(localStorage.getItem(STORE)) };
  } catch {
    return { ...FRESH };
  }
}

export function change(changes) {
  localStorage.setItem(STORE, JSON.stringify({ ...settings(), ...changes }));
}

/** The chords of an action in a column, after preset and own choice. */
export function chordsOf(action, column, now = settings()) {
  const own = now.own[`${action}/${column}`];
  if (own) return [own];
  const preset = column === "typing" ? PRESETS[now.preset]?.typing[action] : undefined;
  return preset ?? ACTIONS[action][column];
}

/** The other action that the chord already belongs to in that column, or null. */
export function clash(chord, action, column, now = settings()) {
  // What is typed works while reading too, so a key for reading may clash with both columns.
  const columns = column === "reading" ? ["reading", "typing"] : ["typing"];
  for (const other of Object.keys(ACTIONS)) {
    if (other !== action && columns.some((each) => chordsOf(other, each, now).includes(chord))) return other;
  }
  return null;
}

/** "Mod+Shift+KeyZ", or null while only modifiers are down. */
export function chordOf(event) {
  if (/^(Control|Alt|Shift|Meta|OS)/.test(event.code) || !event.code || event.getModifierState?.("AltGraph")) return null;
  const mod = MAC ? event.metaKey : event.ctrlKey;
  const other = MAC ? event.ctrlKey : event.metaKey;
  if (other) return null;
  return `${mod ? "Mod+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey ? "Shift+" : ""}${event.code}`;
}

const NAMES = {
  BracketLeft: "[", BracketRight: "]", Comma: ",", Period: ".", Escape: "Esc", Slash: "/", Backslash: "\\", Semicolon: ";",
  Quote: "'", Minus: "-", Equal: "=", Backquote: "`", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Space: "Space",
};

/** What people call a chord: "Ctrl+Shift+Z", on a Mac "⇧⌘Z". */
export function sayChord(chord) {
  const parts = chord.split("+");
  const key = NAMES[parts.at(-1)] ?? parts.at(-1).replace(/^(Key|Digit|Numpad)/, "");
  const signs = MAC ? { Mod: "⌘", Alt: "⌥", Shift: "⇧" } : { Mod: "Ctrl+", Alt: "Alt+", Shift: "Shift+" };
  return parts.slice(0, -1).map((part) => signs[part]).join("") + key;
}

const typingIn = (target) => target.closest?.("[contenteditable]:not([contenteditable=false])");
const single = (chord) => !/Mod|Alt/.test(chord) && !/^(Shift\+)?(F\d+|Escape)$/.test(chord);

/** The one that the islands of a page share. */
export const pageKeys = () => (shared ??= new Keys());
let shared = null;

/** Sends keys of the page to the functions that `on` brought. */
class Keys {
  constructor() {
    this.actions = {};
    this.load();
    document.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("keyup", (event) => this.release(event));
    addEventListener("storage", (event) => event.key === STORE && this.load());
  }

  load() {
    this.now = settings();
    this.reading = new Map();
    this.typing = new Map();
    for (const action of Object.keys(ACTIONS)) {
      for (const chord of chordsOf(action, "reading", this.now)) this.reading.set(chord, action);
      for (const chord of chordsOf(action, "typing", this.now)) this.typing.set(chord, action);
    }
  }

  on(actions) {
    Object.assign(this.actions, actions);
  }

  find(event) {
    const chord = chordOf(event);
    if (!chord || document.querySelector("dialog[open], :popover-open")) return null;
    if (typingIn(event.target)) return this.typing.get(chord) ?? null;
    const typed = this.typing.get(chord);
    if (inField(event.target)) return EVERYWHERE.includes(typed) ? typed : null;
    if (typed && !single(chord)) return typed;
    return single(chord) && !this.now.single ? null : this.reading.get(chord) ?? null;
  }

  press(event) {
    if (event.defaultPrevented || event.isComposing) return;
    const name = this.find(event);
    const action = this.actions[name];
    if (!action) return;
    if (name === "play" && this.now.hold) {
      event.preventDefault();
      if (event.repeat || this.held) return;
      this.held = event.code;
    } else if (event.repeat && (name === "play" || name === "undo" || name === "redo")) {
      return event.preventDefault();
    }
    if (action(event) !== false) event.preventDefault(); // false: leave the key to the browser
  }

  release(event) {
    if (this.held !== event.code) return;
    this.held = null;
    this.actions.play?.(event);
  }
}
