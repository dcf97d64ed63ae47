// Tells by a notification of the browser that a transcript is ready. Asks for that right only once it is of use: after a
// job of more than two minutes.

import { toast } from "./toast.js";

const LONG = 120_000;
const ASKED = "notify";
const can = () => "Notification" in window && isSecureContext;

/** Is there a reason to go on asking the server while the page is hidden? */
export const mayTell = () => can() && Notification.permission === "granted";

/** A job ended that began at `began` (ISO). */
export function ended({ title, words, href, began }) {
  if (mayTell() && document.hidden) {
    const note = new Notification(title, { body: words, tag: href });
    note.onclick = () => {
      window.focus();
      location.assign(href);
    };
  }
  if (Date.now() - Date.parse(began) > LONG && can() && !localStorage.getItem(ASKED)) localStorage.setItem(ASKED, "next");
  offer();
}

export function offer() {
  if (localStorage.getItem(ASKED) !== "next" || document.hidden || !can() || Notification.permission !== "default") return;
  const answered = (how) => localStorage.setItem(ASKED, how);
  toast("That one took a while. Shall this browser tell you when the next is ready?", [
    ["Tell me", () => Notification.requestPermission().then(answered)],
    ["No", () => answered("no")],
  ]);
}
