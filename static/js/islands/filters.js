// Filters apply when they are chosen; "/" goes to the search field.

import { inField } from "../lib/page.js";

export default function filters(form) {
  const search = form.elements.q;
  let off = [];
  form.querySelector("[data-plain]").hidden = true;
  form.addEventListener("change", (event) => event.target.type !== "search" && form.requestSubmit());
  form.addEventListener("submit", () => {
    off = [...form.elements].filter((field) => field.name && !field.value && !field.disabled); // a short address
    for (const field of off) field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of off) field.disabled = false;
  });
  document.addEventListener("keydown", (event) => {
    if (!search || event.key !== "/" || inField(event.target)) return;
    event.preventDefault();
    search.select();
  });
}
