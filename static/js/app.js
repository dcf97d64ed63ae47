// Brings to life what the server drew. Each element with data-island names the module that does it.

for (const element of document.querySelectorAll("[data-island]")) {
  import(element.dataset.island).then((module) => module.default(element));
}

// Links and buttons with data-dialog open the dialog of that id; without this script a link leads to the same form as a page.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (!dialog || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  opener.closest("[popover]")?.hidePopover();
  dialog.showModal();
});
document.addEventListener("click", (event) => {
  if (event.target.matches("dialog")) event.target.close(); // a click beside it
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const code = [...button.closest(".snippet").querySelectorAll("pre")].find((pre) => pre.offsetParent);
    await navigator.clipboard.writeText(code.textContent);
    const label = button.querySelector("span");
    label.textContent = document.getElementById("status").textContent = "Copied";
    setTimeout(() => (label.textContent = "Copy"), 1500);
  });
}
