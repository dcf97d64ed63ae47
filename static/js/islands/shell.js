// What every page of an account has: the palette, the key for an upload, files dropped anywhere on the list.

import { pageKeys } from "../lib/keymap.js";
import { Palette } from "../lib/palette.js";
import { offer } from "../lib/tell.js";
import { dropping, uploader } from "../lib/dropping.js";

export default function shell(root) {
  const palette = new Palette(document.getElementById("palette"));
  const dialog = document.getElementById("upload");
  const open = dialog ? uploader(dialog, root.dataset.new) : () => location.assign(root.dataset.new);
  pageKeys().on({ palette: () => void palette.open(), upload: () => void open() });
  if (dialog) dropping(root.querySelector("[data-drop]"), open);
  offer();
}
