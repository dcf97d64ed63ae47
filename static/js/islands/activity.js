// Keeps the rows of running jobs up to date. Asks only for those, and only while somebody looks.

import { announce, poll } from "../lib/page.js";

const OPEN = ["pending", "processing"];

export default function activity(card) {
  const title = document.title;
  let etag = "";
  let ready = 0;
  const open = () => [...card.querySelectorAll("tr[data-slug]")].filter((row) => OPEN.includes(row.dataset.state));
  if (!open().length) return;

  poll(async () => {
    const rows = open();
    if (!rows.length) return false;
    const slugs = rows.map((row) => row.dataset.slug).join(",");
    const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
    const answer = await fetch(`${card.dataset.url}?slugs=${slugs}`, { headers });
    if (answer.status === 304) return true;
    if (answer.redirected || !answer.ok) return answer.status >= 500;
    etag = answer.headers.get("ETag") ?? "";
    const news = (await answer.json()).rows;
    for (const row of rows) update(row, news[row.dataset.slug]);
    return open().length > 0;
  });

  function update(row, news) {
    if (!news) return;
    const cell = row.querySelector(".list__status");
    if (cell.innerHTML !== news.html) cell.innerHTML = news.html;
    row.querySelector(".list__len bdi").textContent = news.length;
    row.querySelector(".list__lang bdi").textContent = news.language;
    row.querySelector(".list__lang").classList.toggle("list__empty", !news.language);
    if (row.dataset.state !== news.state) announce(`${row.querySelector(".list__title a").textContent}: ${news.words}`);
    if (news.state === "completed") document.title = `(${(ready += 1)} ready) ${title}`;
    row.dataset.state = news.state;
  }
}
