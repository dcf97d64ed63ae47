// A field whose value is to be taken along, and the button that does it.

import { announce, copied } from "../lib/page.js";

export default function copy(line) {
  const field = line.querySelector("input");
  const button = line.querySelector("button");
  const label = button.querySelector("span");
  const before = label.textContent;
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    const done = await copied(field);
    label.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? "Copied" : "The address is selected. Press Control C to copy it.");
    setTimeout(() => (label.textContent = before), 2000);
  });
}
