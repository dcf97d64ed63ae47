// A tus 1.0 client: creation, termination, and going on where an upload stopped, also after a reload.

import { csrf } from "./page.js";

const CHUNK = 8 * 1024 * 1024;
const TRIES = 5;
const VERSION = { "Tus-Resumable": "1.0.0" };
const STORE = "uploads";

/** A refusal that trying again does not change. */
export class Refused extends Error {}

const keyOf = (file) => `${file.name}|${file.size}|${file.lastModified}`;

/** Uploads that were begun in this browser and not finished: [{key, name, size, url, offset}]. */
export function unfinished() {
  const week = Date.now() - 7 * 24 * 3600 * 1000;
  return Object.entries(stored()).filter(([, one]) => one.at > week).map(([key, one]) => ({ key, ...one }));
}

export function forget(key) {
  const all = stored();
  delete all[key];
  localStorage.setItem(STORE, JSON.stringify(all));
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function remember(file, url, offset) {
  const one = { name: file.name, size: file.size, url, offset, at: Date.now() };
  localStorage.setItem(STORE, JSON.stringify({ ...stored(), [keyOf(file)]: one }));
}

export class Upload {
  constructor(file, endpoint, { onProgress = () => {}, onWait = () => {} } = {}) {
    Object.assign(this, { file, endpoint, onProgress, onWait, offset: 0, paused: false });
    this.key = keyOf(file);
    this.url = stored()[this.key]?.url ?? null;
  }

  /** Resolves to the upload's id once every byte is there; to null when it was paused. */
  async run() {
    this.paused = false;
    let tries = 0;
    while (!this.paused) {
      try {
        await this.locate();
        while (this.offset < this.file.size && !this.paused) {
          await this.send();
          tries = 0;
        }
        if (this.offset >= this.file.size) return this.finished();
      } catch (error) {
        if (this.paused) return null;
        if (error instanceof Refused || (tries += 1) >= TRIES) throw error;
        this.onWait(error, tries);
        await this.pauseFor(Math.min(30000, 500 * 2 ** tries));
      }
    }
    return null;
  }

  finished() {
    forget(this.key);
    return new URL(this.url, location.href).pathname.split("/").filter(Boolean).at(-1);
  }

  /** Finds out how much the server has; makes the upload where there is none. */
  async locate() {
    if (this.url) {
      const answer = await fetch(this.url, { method: "HEAD", headers: VERSION });
      if (answer.ok) return void (this.offset = Number(answer.headers.get("Upload-Offset")));
      if (answer.status >= 500 || answer.status === 423) throw new Error(`The server answered ${answer.status}.`);
      forget(this.key);
      this.url = null;
    }
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name)));
    const answer = await fetch(this.endpoint, {
      method: "POST",
      headers: { ...VERSION, "Upload-Length": this.file.size, "Upload-Metadata": `filename ${name}`, "X-CSRFToken": csrf() },
    });
    if (answer.status !== 201) throw await problem(answer.status, await answer.text());
    this.url = new URL(answer.headers.get("Location"), location.href).pathname;
    this.offset = 0;
    remember(this.file, this.url, 0);
  }

  /** One chunk. fetch() tells nothing of how much it has sent, so this is an XMLHttpRequest. */
  send() {
    return new Promise((done, fail) => {
      const from = this.offset;
      const request = (this.request = new XMLHttpRequest());
      request.open("PATCH", this.url);
      const headers = { ...VERSION, "Upload-Offset": from, "Content-Type": "application/offset+octet-stream", "X-CSRFToken": csrf() };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => this.onProgress(from + event.loaded, this.file.size);
      request.onload = async () => {
        if (request.status !== 204) return fail(await problem(request.status, request.responseText));
        this.offset = Number(request.getResponseHeader("Upload-Offset"));
        remember(this.file, this.url, this.offset);
        this.onProgress(this.offset, this.file.size);
        done();
      };
      request.onerror = () => fail(new Error("The connection was lost."));
      request.onabort = () => fail(new Error("Stopped."));
      request.send(this.file.slice(from, from + CHUNK));
    });
  }

  pauseFor(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      this.wake = () => (clearTimeout(timer), done());
    });
  }

  pause() {
    this.paused = true;
    this.request?.abort();
    this.wake?.();
  }

  async cancel() {
    this.pause();
    forget(this.key);
    if (this.url) await fetch(this.url, { method: "DELETE", headers: { ...VERSION, "X-CSRFToken": csrf() } }).catch(() => {});
  }
}

/** 4xx is final, but for a lock that somebody still holds (423), a wrong offset (409) and "later" (429). */
export async function problem(status, body) {
  const Kind = status >= 400 && status < 500 && ![409, 423, 429].includes(status) ? Refused : Error;
  return new Kind(sentence(status, body));
}

export function sentence(status, body) {
  try {
    const answer = JSON.parse(body);
    const said = answer.error?.message ?? answer.error ?? answer.detail;
    if (said) return said;
  } catch {
    if (status === 413) return "A proxy in front of this server refuses files of this size. Whoever runs it can raise the limit.";
  }
  return status ? `The server answered ${status}. Nothing was charged.` : "The server could not be reached. Nothing was charged.";
}
