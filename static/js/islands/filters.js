// Filters apply when they are chosen; "/" goes to the search field.

import { inField } from "../lib/page.js";

export default function filters(form) {
  const search = form.elements.q;
  form.querySelector("[data-plain]").hidden = true;
  form.addEventListener("change", (event) => event.target.type !== "search" && form.requestSubmit());
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true; // a short address
  });
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
  document.addEventListener("keydown", (event) => {
    if (!search || event.key !== "/" || inField(event.target)) return;
    event.preventDefault();
    search.select();
  });
}
