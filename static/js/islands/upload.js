// The page "New transcript": a queue of files, each sent in pieces that survive a lost connection or a reload.

import { announce, csrf, megabytes } from "../lib/page.js";
import { Upload, forget, sentence, unfinished } from "../lib/tus.js";

const AT_ONCE = 2;

export default function upload(form) {
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const start = form.querySelector("[data-start]");
  const items = [];
  input.required = false;

  // ---- choosing
  function add(files) {
    for (const file of files) {
      const waiting = items.find((item) => item.stopped && item.name === file.name && item.size === file.size);
      if (waiting) adopt(waiting, file);
      else items.push(new Item(form, file, { max: Number(form.dataset.max), onChange: refresh, remove }));
    }
    refresh();
  }

  function adopt(item, file) {
    item.take(file);
    run(item);
  }

  function remove(item) {
    items.splice(items.indexOf(item), 1);
    refresh();
    drop.querySelector("input").focus();
  }

  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("drop--over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (kind === "drop" || !event.relatedTarget) drop.classList.remove("drop--over");
    });
  }
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => event.clipboardData?.files.length && add(event.clipboardData.files));

  // ---- what it costs, before anything is sent
  function refresh() {
    const fresh = items.filter((item) => item.state === "chosen");
    const counted = items.filter((item) => ["chosen", "sending", "paused"].includes(item.state));
    const minutes = counted.reduce((sum, item) => sum + Math.ceil((item.seconds ?? 0) / 60), 0);
    const unknown = counted.some((item) => item.seconds === null);
    const have = Number(form.dataset.minutes);
    form.querySelector("[data-queue-card]").hidden = !items.length;
    form.querySelector("[data-note]").hidden = !items.some((item) => item.state === "sending");
    const cost = counted.length && (minutes || unknown) ? `${unknown ? "At least " : ""}${minutes} min. ` : "";
    form.querySelector("[data-cost]").textContent = `${cost}You have ${have} min.`;
    form.querySelector("[data-after]").textContent =
      minutes > have
        ? `${minutes - have} min more are needed. Files that do not fit are not started, and nothing is charged for them.`
        : minutes
          ? `${have - minutes} min stay. Nothing is charged for a file that fails.`
          : "A minute of sound costs a minute. Nothing is charged for a file that fails.";
    start.disabled = items.length > 0 && !fresh.length;
    start.textContent = fresh.length > 1 ? `Transcribe ${fresh.length} files` : "Transcribe";
  }

  const summary = form.querySelector("[data-summary]");
  form.querySelector("details").addEventListener("change", () => {
    const [language, speakers, model] = ["language", "speakers", "model"].map((name) => form.elements[name]);
    const chosen = (field, none) => (field.value ? field.selectedOptions[0].textContent.trim() : none);
    const voices = speakers.value === "off" ? "no speaker labels" : speakers.value ? `${speakers.value} speakers` : "speakers on";
    summary.textContent = `${chosen(language, "language found by itself")}, ${voices}, ${chosen(model, "best model")}`;
    const kept = { language: language.value, speakers: speakers.value, model: model.value };
    localStorage.setItem("options", JSON.stringify(kept));
  });
  for (const [name, value] of Object.entries(JSON.parse(localStorage.getItem("options") ?? "{}"))) {
    const field = form.elements[name];
    if (field && [...field.options].some((option) => option.value === value)) field.value = value;
  }
  form.querySelector("details").dispatchEvent(new Event("change"));

  // ---- sending
  async function run(item) {
    item.queued = true;
    if (items.filter((one) => one.state === "sending").length >= AT_ONCE) return item.show("queued", "Next");
    await item.send(form.dataset.uploads, () => transcribe(item));
    const next = items.find((one) => one.state === "queued");
    if (next) run(next);
    done();
  }

  async function transcribe(item) {
    const body = { upload: item.id, title: item.name.replace(/\.[^.]{1,5}$/, "") };
    if (form.elements.language.value) body.language = form.elements.language.value;
    const voices = form.elements.speakers.value;
    if (voices === "off") body.diarize = false;
    else if (voices) body.speakers = Number(voices);
    if (form.elements.model.value) body.model = form.elements.model.value;
    const answer = await fetch(form.dataset.transcripts, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(sentence(answer.status, text));
    return `${form.dataset.list}${JSON.parse(text).slug}/`;
  }

  function done() {
    if (items.some((item) => item.state !== "done")) return;
    announce("Everything is sent.");
    const dialog = form.closest("dialog");
    if (dialog && !dialog.open) return void document.dispatchEvent(new Event("sent")); // the reader is with the list
    location.assign(items.length === 1 ? items[0].address : form.dataset.list);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!items.length) return input.click();
    for (const item of items.filter((one) => one.state === "chosen")) run(item);
    refresh();
  });
  form.addEventListener("files", (event) => add(event.detail));
  form.addEventListener("queue:run", (event) => run(event.detail));
  form.addEventListener("queue:choose", (event) => adopt(event.detail.item, event.detail.file));
  addEventListener("beforeunload", (event) => items.some((item) => item.state === "sending") && event.preventDefault());

  add(input.files); // chosen before this script was here
  input.value = "";
  for (const one of unfinished()) items.push(new Item(form, null, { stopped: one, onChange: refresh, remove }));
  refresh();
}

/** One file of the queue and its row. States: chosen, refused, stopped, queued, sending, paused, failed, done. */
class Item {
  constructor(form, file, { max, stopped = null, onChange, remove }) {
    Object.assign(this, { form, file, stopped, onChange, remove, seconds: null, state: "chosen" });
    this.name = file?.name ?? stopped.name;
    this.size = file?.size ?? stopped.size;
    this.row = form.querySelector("template").content.firstElementChild.cloneNode(true);
    this.part("name").textContent = this.name;
    this.button("cancel").setAttribute("aria-label", `Remove ${this.name}`);
    this.button("retry").addEventListener("click", () => this.tell("queue:run", this));
    this.button("resume").addEventListener("click", () => this.tell("queue:run", this));
    this.button("pause").addEventListener("click", () => this.upload.pause());
    this.button("cancel").addEventListener("click", () => this.drop());
    this.button("choose").querySelector("input").addEventListener("change", (event) => this.choose(event.target.files[0]));
    form.querySelector("[data-queue]").append(this.row);
    if (stopped) {
      const share = Math.floor((stopped.offset / stopped.size) * 100);
      this.bar(stopped.offset, stopped.size);
      this.show("stopped", `Upload stopped at ${share} %.`, "Choose the same file to continue.", "is-warn");
    } else if (!file.size) this.show("refused", "The file is empty.", "", "is-bad");
    else if (file.size > max) this.show("refused", `Too large: ${megabytes(file.size)}, your plan takes ${megabytes(max)}.`, "", "is-bad");
    else {
      this.show("chosen", megabytes(file.size));
      this.measure();
    }
  }

  part = (name) => this.row.querySelector(`[data-${name}]`);
  button = (name) => this.row.querySelector(`[data-do=${name}]`);
  tell = (name, detail) => this.form.dispatchEvent(new CustomEvent(name, { detail }));

  show(state, words, detail = "", tone = "") {
    this.state = state;
    this.part("state").textContent = words;
    this.part("state").className = `status ${tone}`;
    this.part("detail").textContent = detail;
    const shown = { sending: ["pause"], paused: ["resume"], failed: ["retry"], stopped: ["choose"], done: ["open"] }[state] ?? [];
    for (const name of ["pause", "resume", "retry", "choose", "open"]) this.button(name).hidden = !shown.includes(name);
    this.button("cancel").hidden = state === "done";
    this.row.querySelector("progress").hidden = ["chosen", "refused"].includes(state);
    this.onChange();
  }

  bar(sent, size) {
    const bar = this.row.querySelector("progress");
    bar.value = (sent / size) * 100;
    bar.setAttribute("aria-label", `Uploading ${this.name}`);
  }

  /** How long it is, from the file itself: nothing is sent for that. */
  measure() {
    const probe = document.createElement("video");
    const address = URL.createObjectURL(this.file);
    probe.preload = "metadata";
    const end = () => URL.revokeObjectURL(address);
    probe.onloadedmetadata = () => {
      end();
      if (!Number.isFinite(probe.duration)) return;
      this.seconds = probe.duration;
      if (this.state === "chosen") this.show("chosen", `${Math.max(1, Math.ceil(this.seconds / 60))} min`, megabytes(this.size));
    };
    probe.onerror = end;
    probe.src = address;
  }

  choose(file) {
    if (!file) return;
    if (file.name === this.name && file.size === this.size) this.tell("queue:choose", { item: this, file });
    else this.show("stopped", "That is another file.", `It was ${this.name}, ${megabytes(this.size)}.`, "is-warn");
  }

  take(file) {
    this.file = file;
    this.stopped = null;
    this.measure();
  }

  async send(endpoint, transcribe) {
    const began = { at: performance.now(), from: null };
    this.upload ??= new Upload(this.file, endpoint, {
      onProgress: (sent, size) => this.progress(sent, size, began),
      onWait: (error) => this.show("sending", "Waiting for the connection", error.message, "is-warn"),
    });
    this.show("sending", "Uploading", "", "is-work");
    try {
      this.id ??= await this.upload.run();
      if (!this.id) return this.show("paused", "Paused", `${megabytes(this.upload.offset)} of ${megabytes(this.size)}`);
      this.show("sending", "Starting", "", "is-work");
      this.button("pause").hidden = true;
      this.address = await transcribe();
      this.button("open").href = this.address;
      this.show("done", "Sent", "", "is-ok");
    } catch (error) {
      if (this.state !== "gone") this.show("failed", "Not sent", error.message, "is-bad");
      announce(`${this.name}: ${error.message}`);
    }
  }

  progress(sent, size, began) {
    began.from ??= sent;
    this.bar(sent, size);
    const seconds = (performance.now() - began.at) / 1000;
    const speed = (sent - began.from) / seconds;
    const parts = [`${megabytes(sent)} of ${megabytes(size)}`];
    if (seconds > 2 && speed > 0) {
      const left = (size - sent) / speed;
      parts.push(`${megabytes(speed)}/s`, left > 90 ? `${Math.round(left / 60)} min left` : `${Math.ceil(left)} s left`);
    }
    this.part("state").textContent = `Uploading ${Math.floor((sent / size) * 100)} %`;
    this.part("state").className = "status is-work";
    this.part("detail").textContent = parts.join(" · ");
  }

  drop() {
    this.state = "gone";
    this.upload?.cancel();
    if (this.stopped) {
      forget(this.stopped.key);
      fetch(this.stopped.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrf() } }).catch(() => {});
    }
    this.row.remove();
    this.remove(this);
  }
}
