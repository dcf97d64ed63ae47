// The list: rows of running jobs kept up to date, more rows on request, several taken together.

import { announce, poll } from "../lib/page.js";
import { morph } from "../lib/morph.js";

const OPEN = ["pending", "processing"];

export default function library(form) {
  const body = form.querySelector("tbody");
  const chosen = selection(form, body);
  watch(form, body);
  more(body, () => {
    chosen();
    watch(form, body);
  });
}

// ---- what changes by itself

/** Asks only for rows of running jobs, and only while somebody looks. */
function watch(form, body) {
  const open = () => [...body.rows].filter((row) => OPEN.includes(row.dataset.state));
  if (form.dataset.watched || !open().length) return;
  form.dataset.watched = "1";
  const title = document.title;
  let etag = "";
  let asked = "";
  let ready = 0;

  poll(async () => {
    const rows = open().slice(0, 50);
    if (!rows.length) return delete form.dataset.watched, false;
    const ids = rows.map((row) => row.dataset.slug).join(",");
    const headers = { Accept: "application/json", ...(etag && ids === asked && { "If-None-Match": etag }) };
    const answer = await fetch(`${form.dataset.url}?ids=${ids}`, { headers });
    if (answer.status === 304) return true;
    if (answer.redirected || !answer.ok) return answer.status >= 500;
    [etag, asked] = [answer.headers.get("ETag") ?? "", ids];
    const news = (await answer.json()).rows;
    for (const row of rows) if (news[row.dataset.slug]) update(row, news[row.dataset.slug]);
    return true;
  });

  function update(row, news) {
    const before = row.dataset.state;
    const fresh = document.createElement("template");
    fresh.innerHTML = news.html;
    morph(row, fresh.content.querySelector("tr"));
    if (before === news.state) return;
    announce(`${row.querySelector(".list__title a").textContent}: ${news.words}`);
    if (news.state === "completed") document.title = `(${(ready += 1)} ready) ${title}`;
  }
}

// ---- more rows

function more(body, grown) {
  const nav = document.querySelector("[data-more]");
  nav?.addEventListener("click", async (event) => {
    const link = event.target.closest("[rel=next]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (nav.getAttribute("aria-busy")) return;
    nav.setAttribute("aria-busy", "true");
    const answer = await fetch(link.href).catch(() => null);
    nav.removeAttribute("aria-busy");
    if (!answer?.ok || answer.redirected) return void (location.href = link.href); // the page says what is wrong
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = [...page.querySelectorAll("tbody tr[data-slug]")].filter((row) => !document.getElementById(row.id));
    body.append(...rows);
    nav.querySelector("[data-shown]").textContent = body.rows.length;
    const next = page.querySelector("[data-more] [rel=next]");
    if (next) link.href = next.href;
    else {
      link.remove();
      rows[0]?.querySelector("a").focus();
    }
    announce(`${rows.length} more shown`);
    grown();
  });
}

// ---- several at once

function selection(form, body) {
  const bar = form.querySelector("[data-bulk]");
  const all = form.querySelector("[data-all]");
  const count = bar.querySelector("[data-count]");
  const boxes = () => [...body.querySelectorAll("[name=slug]")];
  let last = null;
  all.hidden = bar.querySelector("[data-clear]").hidden = false;
  form.classList.add("is-alive");

  const show = () => {
    const [every, ticked] = [boxes(), boxes().filter((box) => box.checked)];
    form.classList.toggle("has-selection", ticked.length > 0);
    bar.inert = ticked.length === 0;
    count.textContent = `${ticked.length} selected`;
    all.checked = ticked.length > 0 && ticked.length === every.length;
    all.indeterminate = ticked.length > 0 && !all.checked;
  };
  const set = (some, on) => {
    for (const box of some) box.checked = on;
    show();
    announce(on ? count.textContent : "Nothing selected");
  };

  all.addEventListener("change", () => set(boxes(), all.checked));
  bar.querySelector("[data-clear]").addEventListener("click", () => {
    set(boxes(), false);
    all.focus();
  });
  body.addEventListener("click", (event) => {
    if (event.target.name !== "slug") return;
    const every = boxes();
    const [from, to] = [every.indexOf(last), every.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const box of every.slice(from, to + 1)) box.checked = event.target.checked;
    last = event.target;
    show();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.localName !== "input") return;
    event.preventDefault(); // else it would press the first button of the bar
    if (event.target.name === "tag") form.requestSubmit(bar.querySelector("[value=tag]"));
  });
  addEventListener("pageshow", show); // a browser that goes back remembers what was ticked
  show();
  return show;
}
