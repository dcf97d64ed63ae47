// Questions to a recording. An answer is shown as it is written, as text; when it is whole, as the server draws it.

import { announce, csrf } from "../page.js";

const NEAR = 80; // px from the foot: somebody who has scrolled up is left there
const LOST = "The connection was lost before the answer was whole. Ask again.";

export class Chat {
  /** `revive(element)` brings what the server drew to life. */
  constructor(root, revive) {
    this.revive = revive;
    this.address = root.dataset.ask;
    this.part = (name) => root.querySelector(`[data-part=${name}]`);
    this.log = this.part("log");
    this.form = this.part("form");
    this.field = this.form.elements.question;
    this.send = this.form.querySelector("button:not([type])");
    this.stop = root.querySelector("[data-do=stop]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.asking && this.field.value.trim()) this.ask(this.field.value.trim());
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    this.stop.addEventListener("click", () => this.asking?.abort());
    root.addEventListener("click", (event) => {
      const example = event.target.closest("[data-do=example]");
      if (example && !this.asking) this.ask(example.textContent);
    });
  }

  shown() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  async ask(question) {
    const body = JSON.stringify({ question, session_id: this.form.elements.session.value });
    const headers = { Accept: "text/event-stream", "Content-Type": "application/json", "X-CSRFToken": csrf() };
    this.asking = new AbortController();
    this.part("empty").hidden = true;
    this.said = said(question);
    this.log.append(this.said.turn);
    this.field.value = "";
    this.busy(true);
    this.shown();
    try {
      const answer = await fetch(this.address, { method: "POST", headers, body, signal: this.asking.signal });
      if (!answer.ok || !answer.body) throw new Error(await reason(answer));
      let session = null;
      for await (const event of events(answer.body)) session = this.hear(event) ?? session;
      if (!session) throw new Error(LOST);
      await this.whole(session);
    } catch (trouble) {
      this.end(trouble.name === "AbortError" ? "Stopped." : trouble instanceof TypeError ? LOST : trouble.message);
      if (trouble.name !== "AbortError" && !this.field.value) this.field.value = question;
    } finally {
      this.asking = null;
      this.busy(false);
    }
  }

  near() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR;
  }

  /** With the last event, the name of the conversation. */
  hear({ type, text, error, session_id }) {
    const near = this.near();
    if (type === "error") throw new Error(error);
    if (type === "delta") this.said.text.append(text);
    if (near) this.shown();
    return type === "done" ? session_id : null;
  }

  async whole(session) {
    this.form.elements.session.value = session;
    this.said.turn.removeAttribute("aria-busy");
    announce(this.said.text.textContent);
    const answer = await fetch(`${this.form.action}?${new URLSearchParams({ session })}`);
    if (!answer.ok) return; // what was said stays as it is
    const near = this.near();
    const drawn = document.createElement("template");
    drawn.innerHTML = await answer.text();
    const turn = drawn.content.querySelector("article");
    this.said.turn.replaceWith(turn);
    this.revive(turn);
    if (near) this.shown();
  }

  end(words) {
    this.said.turn.removeAttribute("aria-busy");
    this.said.answer.append(Object.assign(document.createElement("p"), { className: "small hush", textContent: words }));
    announce(words);
    this.shown();
  }

  busy(on) {
    const held = [this.send, this.stop].includes(document.activeElement);
    this.send.hidden = on;
    this.stop.hidden = !on;
    if (held) (on ? this.stop : this.field).focus();
  }
}

function said(question) {
  const make = (name, className, more = {}) => Object.assign(document.createElement(name), { className, ...more });
  const turn = make("article", "said");
  turn.setAttribute("aria-busy", "true");
  const answer = make("div", "said__answer");
  const text = make("p", "said__coming", { dir: "auto" });
  answer.append(text);
  turn.append(make("p", "said__question", { dir: "auto", textContent: question }), answer);
  return { turn, answer, text };
}

async function reason(answer) {
  const said = await answer.json().catch(() => null);
  return said?.error?.message ?? said?.error ?? `The server answered ${answer.status}. Nothing was asked.`;
}

/** The events of a stream of `data: {json}`. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const blocks = held.split("\n\n");
    held = blocks.pop();
    for (const block of blocks) if (block.startsWith("data: ")) yield JSON.parse(block.slice(6));
  }
}
