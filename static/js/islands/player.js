// A transcript, or the sample, to read and hear.

import { pageKeys } from "../lib/keymap.js";
import { bring, wordsOf } from "../lib/player/player.js";

export default function player(root) {
  const keys = document.getElementById("shortcuts") && pageKeys();
  bring(root, { keys, words: wordsOf(root) });
}
