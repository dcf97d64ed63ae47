// Every request of the editor, and why one did not work, in the few kinds that need different answers.

import { csrf } from "../page.js";

/** `kind`: offline, later, conflict, signed-out, gone or refused. `body` is the server's own answer, where it gave one. */
export class Trouble extends Error {
  constructor(kind, message, body = null, after = 0) {
    super(message);
    Object.assign(this, { kind, body, after });
  }
}

const OFFLINE = "The server cannot be reached. Your changes are kept in this browser and sent later.";
const SIGNED_OUT = "You are signed out. Your changes are kept in this browser; sign in again in another tab.";

function kindOf(status) {
  if (status === 401 || status === 403) return "signed-out";
  if (status === 404) return "gone";
  if (status === 409) return "conflict";
  return status === 429 || status >= 500 ? "later" : "refused";
}

export class Api {
  constructor(base) {
    this.base = base;
  }

  /** `keepalive` lets a request outlive the page; browsers take at most 64 KB of such bodies. */
  async call(method, path, body, { keepalive = false } = {}) {
    let answer;
    try {
      answer = await fetch(`${this.base}${path}`, {
        method,
        keepalive,
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrf() },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw new Trouble("offline", OFFLINE);
    }
    const said = await answer.json().catch(() => null);
    if (answer.redirected) throw new Trouble("signed-out", SIGNED_OUT);
    if (answer.ok) return said;
    const kind = kindOf(answer.status);
    const message = kind === "signed-out" ? SIGNED_OUT : said?.error?.message ?? said?.error ?? said?.message ?? said?.detail;
    throw new Trouble(kind, message ?? `The server answered ${answer.status}.`, said, Number(answer.headers.get("Retry-After")));
  }

  get = (path) => this.call("GET", path);
  post = (path, body = {}) => this.call("POST", path, body);
  patch = (path, body, options) => this.call("PATCH", path, body, options);
}
