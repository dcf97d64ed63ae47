// Space, + and −, F, C, H: outside of fields, and not where a reader has switched single keys off.

import { settings } from "../keymap.js";
import { inField } from "../page.js";

const STEP = 4; // px
const DOES = {
  Space: (page) => page.toggle?.(),
  Equal: (page) => page.look.larger(STEP),
  NumpadAdd: (page) => page.look.larger(STEP),
  Minus: (page) => page.look.larger(-STEP),
  NumpadSubtract: (page) => page.look.larger(-STEP),
  KeyF: (page) => page.fullscreen(),
  KeyC: (page) => page.clear(),
  KeyH: (page) => page.bare(),
};

export class Keyboard {
  constructor(page) {
    document.addEventListener("keydown", (event) => {
      const taken = event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]");
      if (taken || inField(event.target) || !settings().single) return;
      if (event.target.closest("button, a, summary, [popover]") && event.code === "Space") return;
      const does = DOES[event.code] ?? { "+": DOES.Equal, "-": DOES.Minus }[event.key];
      if (!does) return;
      event.preventDefault();
      does(page);
    });
  }
}
