// The list: rows of running jobs kept up to date, more rows on request, several taken together.

import { announce, poll } from "../lib/page.js";
import { morph } from "../lib/morph.js";
import { ended, mayTell } from "../lib/tell.js";

const ROUNDS = 15; // in which nothing moves, and an upload may yet go on

export default function library(form) {
  const body = form.querySelector("tbody");
  const chosen = selection(form, body);
  watch(form, body);
  const grown = () => {
    chosen();
    watch(form, body);
  };
  more(body, grown);
  document.addEventListener("sent", () => fresh(body).then(grown));
}

/** Rows that came since the page was drawn, or are no upload any more, go to the top. */
async function fresh(body) {
  const page = await pageAt(location.href);
  if (!page) return;
  const rows = [...page.querySelectorAll("tbody tr[data-slug]")];
  for (const row of body.querySelectorAll("[data-slug^='upload:']")) if (!rows.some(({ id }) => id === row.id)) row.remove();
  body.prepend(...rows.filter(({ id }) => !document.getElementById(id)));
}

async function pageAt(address) {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

// ---- what changes by itself

/** Asks only for rows of running jobs, and only while somebody looks. */
function watch(form, body) {
  const open = () => [...body.querySelectorAll("[data-open], [data-state=stopped]")];
  if (form.dataset.watched || !open().length) return;
  form.dataset.watched = "1";
  const title = document.title;
  let etag = "";
  let asked = "";
  let ready = 0;
  let quiet = 0;

  poll(async () => {
    const rows = open().slice(0, 50);
    quiet = rows.some((row) => "open" in row.dataset) ? 0 : quiet + 1;
    if (!rows.length || quiet > ROUNDS) return delete form.dataset.watched, false;
    const ids = rows.map((row) => row.dataset.slug).join(",");
    const headers = { Accept: "application/json", ...(etag && ids === asked && { "If-None-Match": etag }) };
    const answer = await fetch(`${form.dataset.url}?ids=${ids}`, { headers });
    if (answer.status === 304) return true;
    if (answer.redirected || !answer.ok) return answer.status >= 500;
    [etag, asked] = [answer.headers.get("ETag") ?? "", ids];
    const news = (await answer.json()).rows;
    for (const row of rows) if (news[row.dataset.slug]) update(row, news[row.dataset.slug]);
    if (rows.some((row) => !news[row.dataset.slug] && row.dataset.slug.startsWith("upload:"))) await fresh(body);
    return true;
  }, { always: mayTell() });

  function update(row, news) {
    const { state, began } = row.dataset;
    const drawn = document.createElement("template");
    drawn.innerHTML = news.html;
    morph(row, drawn.content.querySelector("tr"));
    if (state === news.state) return;
    const { textContent, href } = row.querySelector(".list__title a");
    announce(`${textContent}: ${news.words}`);
    if (news.state === "completed") document.title = `(${(ready += 1)} ready) ${title}`;
    if (!news.open && began) ended({ title: textContent, words: news.words, href, began });
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
    const page = await pageAt(link.href);
    nav.removeAttribute("aria-busy");
    if (!page) return void (location.href = link.href); // it says what is wrong
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
