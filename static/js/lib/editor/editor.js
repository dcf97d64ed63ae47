// Everything that changes the text of a page: what the reader does, what the server answers, and the state in words.

import { announce } from "../page.js";
import { Api } from "./api.js";
import { Conflicts } from "./conflicts.js";
import { Doubts } from "./doubts.js";
import { Drafts } from "./drafts.js";
import { Finder } from "./finder.js";
import { History, hour } from "./history.js";
import { Saver } from "./saver.js";
import { Title } from "./title.js";
import { plain, Turns } from "./turns.js";
import { Typing } from "./typing.js";
import { Versions } from "./versions.js";
import { Voices } from "./voices.js";
import { voices } from "../player/player.js";

export class Editor {
  constructor(root, words) {
    this.root = root;
    this.player = null;
    const part = (name) => root.querySelector(`[data-edit=${name}]`);
    const dialog = (name) => document.getElementById(name);
    const state = JSON.parse(root.dataset.document);
    this.api = new Api(root.dataset.api);
    this.rev = state.rev;
    this.version = state.version;
    this.state = part("state");
    this.turns = new Turns({ text: root.querySelector("[data-text]"), blank: dialog("turn-blank"), speakers: state.speakers });
    const shared = { turns: this.turns, player: () => this.player };
    this.saver = new Saver({
      drafts: new Drafts(state.document),
      send: (draft, options) => this.api.patch(`turns/${draft.turn}/`, { base_rev: draft.rev, text: draft.text }, options),
      onState: (kind, more) => this.say(kind, more),
      onSaved: (draft, outcome) => this.saved(draft, outcome),
      onConflict: (draft, trouble) => this.conflict(draft, trouble),
    });
    this.typing = new Typing({
      ...shared,
      saver: this.saver,
      split: (turn, before, after) => this.split(turn, before, after),
      merge: (turn) => this.change(`turns/${Turns.id(turn)}/merge/`, () => ({ base_rev: Turns.rev(turn) })),
      onMove: (turn) => this.rove(turn),
    });
    this.conflicts = new Conflicts({
      blank: dialog("conflict-blank"),
      turns: this.turns,
      keep: (draft, theirs) => this.insist(draft, theirs),
      take: (draft, theirs) => this.giveIn(draft, theirs),
    });
    this.finder = new Finder({
      form: part("finder"),
      turns: this.turns,
      replace: (wish) => this.replaceAll(wish),
      edit: (turn, what) => this.put(turn, what),
    });
    this.doubts = new Doubts({
      ...shared,
      bar: part("doubts"),
      accept: (turn, numbers) => this.change(`turns/${Turns.id(turn)}/`, () => ({ base_rev: Turns.rev(turn), accept: numbers }), "PATCH"),
      fixOne: (turn, what) => this.put(turn, what),
      fixAll: (find, replace) => this.replaceAll({ find, replace, match_case: true, whole_word: true }),
    });
    this.voices = new Voices({
      ...shared,
      list: part("voices"),
      dialog: dialog("voice"),
      ask: {
        rename: (id, name) => this.rename(id, name),
        merge: (speaker, into) => this.asked("speakers/merge/", { speaker, into }),
        assign: (turn, whom) => this.asked(`turns/${turn}/speaker/`, whom),
      },
    });
    this.history = new History({ dialog: dialog("history"), api: this.api, restore: (number) => this.asked(`history/${number}/restore/`, {}) });
    this.versions = new Versions({ dialog: dialog("versions"), api: this.api });
    this.title = new Title({ root, rename: (title) => this.asked("", { title }, "PATCH") });
    this.listen();
    words.then((found) => this.read(found));
  }

  // ---- coming to life
  read(words) {
    this.turns.words = words;
    for (const holder of [this.turns.text, this.turns.blank.content]) {
      for (const stop of holder.querySelectorAll("[data-turn] button, [data-turn] a")) stop.tabIndex = -1;
    }
    this.rove(this.turns.all()[0]);
    this.restore();
    this.doubts.draw();
    this.root.dataset.editor = "ready";
  }

  hear(player) {
    this.player = player;
    this.voices.draw();
  }

  async restore() {
    for (const draft of await this.saver.restore()) {
      const turn = this.turns.element(draft.turn);
      if (turn && this.saver.of(draft.turn)) Turns.body(turn).textContent = draft.text;
    }
  }

  listen() {
    const { root } = this;
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      const turn = button?.closest("[data-turn]");
      if (turn) return this.onTurn(button.dataset.do, turn);
      const acts = {
        find: () => this.finder.open(),
        replace: () => this.finder.open(true),
        undo: () => this.undo("undo"),
        redo: () => this.undo("redo"),
        doubt: () => this.doubts.next(),
        history: () => this.history.open(),
        versions: () => this.versions.open(),
        name: () => this.voices.open(null, this.here),
      };
      if (!acts[button?.dataset.do]) return;
      button.closest("[popover]")?.hidePopover();
      acts[button.dataset.do]();
    });
    const marks = root.querySelector("[data-edit=marks]");
    marks.checked = this.doubts.marked;
    marks.addEventListener("change", () => this.doubts.mark(marks.checked));
    addEventListener("beforeunload", (event) => this.saver.queue.length && !this.kept && event.preventDefault());
    this.saver.drafts.works.then((works) => (this.kept = works)); // without, leaving the page would lose them
    document.addEventListener("visibilitychange", () => !document.hidden && !this.saver.queue.length && this.refresh());
    this.turns.text.addEventListener("focusin", (event) => this.rove(event.target.closest("[data-turn]")));
  }

  onTurn(what, turn) {
    if (what === "edit") this.typing.open(turn);
    else if (what === "who") this.voices.open(turn.dataset.speaker === "" ? null : Number(turn.dataset.speaker), turn);
  }

  /** One turn is reached with Tab; the others with the keys for the paragraph before and after. */
  rove(turn) {
    if (!turn || turn === this.here) return;
    for (const element of this.here?.querySelectorAll("button, a") ?? []) element.tabIndex = -1;
    this.here?.classList.remove("turn--here");
    this.here = turn;
    turn.classList.add("turn--here");
    for (const element of turn.querySelectorAll("button, a")) element.tabIndex = 0;
  }

  // ---- what the reader does
  keys() {
    const typing = () => document.activeElement?.isContentEditable;
    const current = () => document.activeElement?.closest?.("[data-turn]") ?? this.spoken() ?? this.onScreen();
    const speak = (number) => () => this.give(typing() ? this.typing.turn : current(), number);
    const move = (by) => () => {
      if (this.typing.turn && typing()) return this.typing.open(this.turns.neighbour(this.typing.turn, by) ?? this.typing.turn);
      this.walk(by, current());
    };
    return {
      previous: move(-1),
      next: move(1),
      edit: () => this.doubts.field() || this.typing.open(current()),
      leave: () => this.leave(),
      doubt: () => this.doubts.next(),
      accept: () => this.doubts.yes(),
      find: () => this.finder.open(),
      replace: () => this.finder.open(true),
      undo: () => void this.undo("undo"),
      redo: () => void this.undo("redo"),
      ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`speaker${n}`, speak(n)])),
    };
  }

  spoken() {
    return this.player?.at?.line.element.closest("[data-turn]");
  }

  onScreen() {
    return this.turns.all().find((turn) => turn.getBoundingClientRect().bottom > 80);
  }

  walk(by, from) {
    const turn = this.player ? this.player.step(by) : this.turns.neighbour(from, by);
    if (!turn?.dataset.turn) return;
    this.rove(turn);
    turn.querySelector(".stamp").focus({ preventScroll: true });
  }

  leave() {
    const { turn } = this.typing;
    if (!turn) return false;
    this.typing.leave();
    turn.querySelector(".stamp").focus({ preventScroll: true });
  }

  give(turn, number) {
    const speaker = this.turns.speakers[number - 1];
    if (!turn || !speaker) return;
    this.change(`turns/${Turns.id(turn)}/speaker/`, () => ({ speaker: speaker.id, scope: "turn" }));
  }

  // ---- changes
  saved(draft, outcome) {
    if (this.typing.turn && Turns.id(this.typing.turn) === draft.turn) this.typing.base = draft.text;
    this.show(outcome);
  }

  show(outcome) {
    const moved = this.turns.apply(outcome, (id) => Boolean(this.saver.of(id)));
    this.doubts.draw();
    this.can(outcome);
    if (outcome.rev && outcome.rev !== this.rev) {
      this.rev = outcome.rev;
      document.dispatchEvent(new Event("edited"));
    }
    this.player?.show(true);
    if (!moved) return;
    if (!this.here?.isConnected) this.rove(this.onScreen() ?? this.turns.all()[0]);
    this.voices.draw();
    this.player?.wave.retell(voices(this.turns.text));
  }

  can({ can_undo, can_redo }) {
    this.root.querySelector("[data-do=undo]").disabled = !can_undo;
    this.root.querySelector("[data-do=redo]").disabled = !can_redo;
  }

  /** Sends what is typed, then asks for the change; resolves to the outcome, or null after saying what went wrong. */
  async change(path, body, method = "POST") {
    try {
      return await this.changed(path, body, method);
    } catch (trouble) {
      this.say("refused", { message: trouble.message });
      if (trouble.kind === "conflict") await this.refresh();
      return null;
    }
  }

  /** The same for a dialog, which says itself what went wrong: resolves to a sentence, or null. */
  async asked(path, body, method = "POST") {
    try {
      await this.changed(path, () => body, method);
      return null;
    } catch (trouble) {
      return trouble.message;
    }
  }

  async changed(path, body, method) {
    if (!(await this.saver.flush())) throw new Error("What you typed is not with the server yet, so this has to wait. Try again when it says Saved.");
    this.say("saving", {});
    const outcome = await this.api.call(method, path, body());
    if (outcome.changed) this.show(outcome);
    this.say("saved", { waiting: this.saver.queue.length });
    return outcome;
  }

  async rename(id, name) {
    const trouble = await this.asked("", { speakers: { [id]: name } }, "PATCH");
    return trouble ?? this.refresh();
  }

  /** What somebody else, or another tab, did in the meantime. Turns with unsent typing keep it. */
  async refresh() {
    const now = await this.api.get("turns/").catch(() => null);
    if (!now || now.rev === this.rev) return null;
    const whole = now.version === this.version ? await this.api.get("turns/?words=1").catch(() => null) : null;
    if (!whole) return now.version === this.version ? null : location.reload();
    const known = new Map(this.turns.all().map((turn) => [Turns.id(turn), Turns.rev(turn)]));
    const there = new Set(whole.turns.map(({ id }) => id));
    const changed = whole.turns.filter(({ id, rev }) => known.get(id) !== rev);
    this.show({ ...whole, changed, removed: [...known.keys()].filter((id) => !there.has(id)) });
    return null;
  }

  async split(turn, before, after) {
    const outcome = await this.change(`turns/${Turns.id(turn)}/split/`, () => ({ base_rev: Turns.rev(turn), before, after }));
    const made = outcome?.changed.find(({ id }) => id !== Turns.id(turn));
    return made && this.turns.element(made.id);
  }

  /** Puts words in the place of others in a turn; without any, opens the turn there. */
  async put(turn, what) {
    if (!what) return this.typing.open(turn);
    const body = Turns.body(turn);
    const base = plain(body);
    body.firstChild.replaceData(what.from, what.to - what.from, what.words);
    this.saver.typed(Turns.id(turn), Turns.rev(turn), base, plain(body));
    await this.saver.flush();
  }

  async replaceAll(wish) {
    const outcome = await this.change("replace/", () => wish);
    return outcome && outcome.replaced;
  }

  async undo(which) {
    if (which === "undo" && this.saver.failures) return this.takeBack();
    const at = this.typing.turn && this.typing.place()[0];
    const outcome = await this.change(`${which}/`, () => ({}));
    if (!outcome) return;
    announce(which === "undo" ? "Undone" : "Done again");
    const turn = this.turns.element(outcome.changed[0]?.id);
    if (this.typing.turn?.isConnected) this.typing.caret(at);
    else if (turn) turn.scrollIntoView({ block: "nearest" });
  }

  /** Without the server: what was typed since it was last heard of. */
  takeBack() {
    const draft = this.saver.takeBack();
    const turn = draft && this.turns.element(draft.turn);
    if (!turn) return this.say("offline", { message: "Offline: older changes can be undone when the server answers again." });
    Turns.body(turn).textContent = draft.base;
  }

  // ---- somebody else was there too
  conflict(draft, trouble) {
    const theirs = trouble.body?.turn ?? null;
    const why = trouble.kind === "conflict" && theirs ? "This paragraph was changed elsewhere while you typed." : trouble.message;
    this.conflicts.show(draft, theirs, why);
  }

  async insist(draft, theirs) {
    this.saver.drop(draft);
    this.turns.apply({ changed: [theirs], removed: [] }, () => true);
    const turn = this.turns.element(theirs.id);
    Turns.body(turn).textContent = draft.text;
    this.saver.typed(theirs.id, theirs.rev, theirs.text, draft.text);
    await this.saver.flush();
  }

  async giveIn(draft, theirs) {
    await this.saver.drop(draft);
    if (theirs) this.show({ changed: [theirs], removed: [], can_undo: true, can_redo: false });
    this.say("saved", { waiting: this.saver.queue.length });
  }

  // ---- the state in words
  say(kind, { waiting = 0, message = "" }) {
    const changes = waiting === 1 ? "1 change" : `${waiting} changes`;
    const words = {
      typing: "Not saved yet",
      saving: "Saving…",
      saved: `Saved ${hour(new Date())}`,
      offline: `Offline, ${changes} kept here`,
      later: `The server is busy, ${changes} kept here`,
      "signed-out": `Signed out, ${changes} kept here`,
      conflict: "One paragraph needs your decision",
      refused: message,
    }[kind];
    const before = this.state.dataset.state;
    this.state.textContent = words;
    this.state.title = message;
    this.state.dataset.state = kind;
    const news = !["typing", "saving"].includes(kind) && kind !== before;
    if (news && !(kind === "saved" && ["typing", "saving"].includes(before))) announce(message || words);
  }
}
