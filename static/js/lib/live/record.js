// All that was said, with times. The page shows the last of it; the rest is an array.

import { clock } from "../page.js";

const SHOWN = 200; // lines
const LONGEST_CUE = 7; // s

export class Record {
  constructor(list, empty) {
    Object.assign(this, { list, empty });
    this.entries = []; // {start, end, text}; a gap has no text
  }

  add(start, end, text) {
    this.entries.push({ start, end, text });
    const line = document.createElement("li");
    const time = Object.assign(document.createElement("time"), { className: "stamp", textContent: clock(start) });
    time.dateTime = `PT${Math.floor(start)}S`;
    const words = Object.assign(document.createElement("p"), { dir: "auto", textContent: text || `${Math.round(end - start)} s were not heard` });
    words.classList.toggle("hush", !text);
    line.append(time, words);
    const box = this.list.parentElement;
    const follows = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
    this.list.append(line);
    while (this.list.children.length > SHOWN) this.list.firstElementChild.remove();
    if (follows) box.scrollTop = box.scrollHeight;
    this.empty.hidden = true;
  }

  get cues() {
    return this.entries.filter(({ text }) => text).map((cue) => ({ ...cue, end: Math.min(cue.end, cue.start + LONGEST_CUE) }));
  }

  as(format) {
    return FORMATS[format](this.cues);
  }
}

const FORMATS = {
  txt: (cues) => `${cues.map(({ text }) => text).join("\n")}\n`,
  srt: (cues) => cues.map(({ start, end, text }, i) => `${i + 1}\r\n${moment(start, ",")} --> ${moment(end, ",")}\r\n${text}\r\n`).join("\r\n"),
  vtt: (cues) => `WEBVTT\n\n${cues.map(({ start, end, text }, i) => `${i + 1}\n${moment(start, ".")} --> ${moment(end, ".")}\n${escaped(text)}\n`).join("\n")}`,
};
export const TYPES = { txt: "text/plain", srt: "application/x-subrip", vtt: "text/vtt" };

const escaped = (text) => text.replace(/[&<>]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[letter]);

function moment(seconds, point) {
  const ms = Math.round(seconds * 1000);
  const pad = (number, size = 2) => String(Math.floor(number)).padStart(size, "0");
  return `${pad(ms / 3600000)}:${pad((ms / 60000) % 60)}:${pad((ms / 1000) % 60)}${point}${pad(ms % 1000, 3)}`;
}

export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
