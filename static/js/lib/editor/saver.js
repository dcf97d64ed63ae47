// Sends what is typed: 800 ms after the last key or when the turn is left, one request at a time, in the order it was
// typed. Until the server has it, it is a draft in this browser.

const IDLE = 800; // ms
const AGAIN = [1000, 2000, 5000, 10000, 30000]; // ms between tries while the server does not answer

export class Saver {
  /** `send(draft, {keepalive})` asks the server; `onState(kind, {waiting, message})`, `onSaved(draft, answer)` and
   * `onConflict(draft, body)` tell the page. */
  constructor({ drafts, send, onState, onSaved, onConflict }) {
    Object.assign(this, { drafts, send, onState, onSaved, onConflict });
    this.queue = [];
    this.failures = 0;
    addEventListener("online", () => this.flush());
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
  }

  /** Drafts of earlier pages, to be shown and sent. */
  async restore() {
    const orphans = await this.drafts.adopt();
    this.queue.unshift(...orphans);
    if (orphans.length) this.flush();
    return orphans;
  }

  get waiting() {
    return this.queue.filter((draft) => !draft.conflict);
  }

  of(turn) {
    return this.waiting.findLast((draft) => draft.turn === turn) ?? null;
  }

  typed(turn, rev, base, text) {
    let draft = this.of(turn);
    if (!draft) this.queue.push((draft = this.drafts.made(turn, rev, base)));
    draft.text = text;
    this.drafts.put(draft);
    this.onState(this.failures ? "offline" : "typing", { waiting: this.waiting.length });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), this.failures ? AGAIN[0] : IDLE);
  }

  /** Resolves to whether everything is with the server now. */
  async flush() {
    clearTimeout(this.timer);
    this.sending ??= this.drain().finally(() => (this.sending = null));
    await this.sending;
    if (this.failures || this.stopped || !this.waiting.length) return !this.waiting.length;
    return this.flush(); // typed while the last one was on its way
  }

  async drain() {
    if (!this.waiting.length) return;
    for (const draft of this.waiting) {
      this.onState("saving", { waiting: this.waiting.length });
      if (!(await this.one(draft))) return;
    }
    if (this.waiting.length) return;
    const open = this.queue.length;
    this.onState(open ? "conflict" : "saved", { waiting: open });
  }

  async one(draft) {
    const { text } = draft;
    try {
      const answer = await this.send(draft);
      this.failures = 0;
      this.stopped = false;
      const rev = answer.changed.find((turn) => turn.id === draft.turn)?.rev ?? draft.rev;
      if (draft.text === text) this.drop(draft);
      else this.drafts.put(Object.assign(draft, { rev, base: text }));
      this.onSaved(draft, answer);
      return true;
    } catch (trouble) {
      if (!trouble.kind) throw trouble;
      return this.failed(draft, trouble);
    }
  }

  failed(draft, trouble) {
    if (["conflict", "gone", "refused"].includes(trouble.kind)) {
      draft.conflict = true;
      this.onConflict(draft, trouble);
      return true;
    }
    const wait = trouble.after > 0 ? trouble.after * 1000 : AGAIN[Math.min(this.failures, AGAIN.length - 1)];
    this.failures += 1;
    this.stopped = trouble.kind === "signed-out";
    this.onState(trouble.kind, { waiting: this.waiting.length, message: trouble.message });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
    return false;
  }

  drop(draft) {
    this.queue = this.queue.filter((other) => other !== draft);
    return this.drafts.remove(draft.key);
  }

  /** Takes back what was typed last and has not been sent: the draft, or null. */
  takeBack() {
    const draft = this.waiting.at(-1) ?? null;
    if (draft) this.drop(draft);
    return draft;
  }

  leave() {
    for (const draft of this.waiting) this.send(draft, { keepalive: true }).catch(() => {}); // it stays a draft
  }
}
