// The drop zone of the landing page: one file, sent at once, then on to its transcript.

import { announce, csrf, megabytes } from "../lib/page.js";
import { sentence } from "../lib/tus.js";

export default function tryIt(form) {
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const box = form.querySelector("[data-progress]");
  const state = form.querySelector("[data-state]");
  const bar = form.querySelector("progress");
  form.querySelector("[data-plain]").hidden = true;
  const most = Number(form.dataset.max);
  let request = null;

  function fail(words) {
    const note = form.querySelector("template").content.cloneNode(true);
    note.querySelector("span").textContent = words;
    form.querySelector("[data-error]").replaceChildren(note);
    box.hidden = true;
    drop.hidden = false;
    request = null;
  }

  function send(file) {
    if (request) return;
    form.querySelector("[data-error]").replaceChildren();
    if (!file.size) return fail("The file is empty.");
    if (file.size > most) return fail(`The file has ${megabytes(file.size)}; without an account ${megabytes(most)} are the most.`);
    const body = new FormData();
    body.append("csrfmiddlewaretoken", csrf());
    body.append("file", file);
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.upload.onprogress = (event) => {
      const share = event.total ? (event.loaded / event.total) * 100 : 0;
      bar.value = share;
      state.textContent = share < 100 ? `Uploading ${Math.floor(share)} %` : "Looking at the file";
    };
    request.onload = () => {
      if (request.status >= 300) return fail(sentence(request.status, request.responseText));
      announce("The recording is there. On to the transcript.");
      location.assign(JSON.parse(request.responseText).url);
    };
    request.onerror = () => fail("The connection was lost. Nothing was kept; try again.");
    request.onabort = () => fail("Cancelled. Nothing was kept.");
    state.textContent = "Uploading";
    bar.value = 0;
    box.hidden = false;
    drop.hidden = true;
    request.send(body);
  }

  const first = (files) => files.length && send(files[0]);
  input.addEventListener("change", () => first(input.files));
  form.querySelector("[data-cancel]").addEventListener("click", () => request?.abort());
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("drop--over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("drop--over"));
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    drop.classList.remove("drop--over");
    first(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => first(event.clipboardData?.files ?? []));
  first(input.files); // chosen before this script was here
}
