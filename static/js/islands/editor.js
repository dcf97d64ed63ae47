// A transcript that can be corrected: the player, and beside it everything that changes the text.

import { Editor } from "../lib/editor/editor.js";
import { pageKeys } from "../lib/keymap.js";
import { bring, wordsOf } from "../lib/player/player.js";

export default function editor(root) {
  const words = wordsOf(root);
  const keys = pageKeys();
  const one = new Editor(root, words);
  keys.on(one.keys());
  bring(root, { keys, words }).then((player) => {
    one.hear(player);
    keys.on(one.keys()); // the player's keys for paragraphs are ours here
  });
}
