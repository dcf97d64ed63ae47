// Shows the options that a format has, and the first lines of the file as the server would write it.

export default function exportForm(form) {
  const preview = form.querySelector("[data-preview]");
  const stored = JSON.parse(localStorage.getItem("export") ?? "{}");
  for (const [name, value] of Object.entries(stored)) {
    const field = form.elements[name];
    if (field instanceof RadioNodeList) field.value = value;
    else if (field?.type === "checkbox") field.checked = value;
  }
  const pace = form.querySelector("[data-pace]");
  let asked = 0;
  let paced = "";

  async function tellPace() {
    const profile = form.elements.profile.checked ? "bbc" : "standard";
    if (pace.hidden || profile === paced) return;
    const answer = await fetch(`${form.dataset.base}pace/?profile=${profile}`).catch(() => null);
    if (answer?.ok) [pace.innerHTML, paced] = [await answer.text(), profile];
  }

  async function show() {
    const format = form.elements.format.value;
    form.querySelector("[data-name]").textContent = format;
    for (const option of form.querySelectorAll("[data-for]")) option.hidden = option.dataset.not === format || !option.dataset.for.split(" ").includes(format);
    tellPace();
    const number = (asked += 1);
    const query = new URLSearchParams(new FormData(form));
    query.set("preview", "1");
    const answer = await fetch(`${form.dataset.base}file/?${query}`).catch(() => null);
    if (number !== asked) return;
    preview.textContent = answer?.ok ? await answer.text() : "The preview did not come. The download works without it.";
  }

  form.addEventListener("change", () => {
    const kept = { format: form.elements.format.value };
    for (const box of form.querySelectorAll("[type=checkbox]")) kept[box.name] = box.checked;
    localStorage.setItem("export", JSON.stringify(kept));
    show();
  });
  form.addEventListener("submit", () => form.closest("dialog")?.close());

  const dialog = form.closest("dialog");
  if (!dialog) show();
  else new MutationObserver(() => dialog.open && show()).observe(dialog, { attributeFilter: ["open"] });
}
