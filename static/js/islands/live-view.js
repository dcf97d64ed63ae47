// A window, a second screen or an overlay: shows captions that another page listens for.

import { Keyboard } from "../lib/live/keys.js";
import { Look } from "../lib/live/look.js";
import { Stage } from "../lib/live/stage.js";
import { read } from "../lib/live/view.js";
import { announce } from "../lib/page.js";

const SAYS = {
  waiting: "Waiting for somebody to speak",
  listening: "Live",
  ended: "The captions have ended",
  lost: "Reconnecting",
  wrong: "This link leads to no captions. Ask for a new one.",
};

export default function view(root) {
  const stage = new Stage(root);
  const look = new Look(root.querySelector(".stage"), root.querySelector("form"));
  const line = root.querySelector("[data-view=state]");
  let session;
  let seen = 0;

  const state = (name, sentence) => {
    if (root.dataset.state === name) return;
    root.dataset.state = name;
    line.textContent = sentence ?? SAYS[name];
    announce(line.textContent);
  };
  const take = (message) => {
    if (message.type === "ready") {
      if (message.session_id !== session) seen = 0;
      session = message.session_id;
      state("listening");
    } else if (message.type === "done") state("ended");
    else if (message.type === "partial") stage.show(message);
    else if (message.type === "transcript" && !(message.seq <= seen)) {
      seen = message.seq ?? seen;
      stage.show(message);
    }
  };
  read(`${location.origin.replace(/^http/, "ws")}/v1/stream/view`, take, state);
  addEventListener("hashchange", () => location.reload());

  const page = {
    look,
    clear: () => stage.clear(),
    bare: () => root.classList.toggle("view--bare"),
    fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
  };
  new Keyboard(page);
  root.querySelector("[data-view=fullscreen]")?.addEventListener("click", page.fullscreen);
  root.dataset.view = "ready";
}
