// Files dropped or pasted anywhere on the list of transcripts: the form of the page "New transcript", in a dialog.

/** Resolves once the form is there. What it cannot fetch, it goes to. */
export function uploader(dialog, address) {
  let form = null;
  const load = async () => {
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok || answer.redirected) return location.assign(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    form = document.importNode(page.querySelector("form[data-uploads]"), true);
    dialog.append(form);
    (await import(form.dataset.island)).default(form);
  };
  const opener = document.querySelector("[data-upload]");
  const open = async (files = []) => {
    const known = form; // a form that is there hears of the drop itself
    if (!form) await load();
    if (!form) return;
    if (!dialog.open) dialog.showModal();
    if (!known) form.dispatchEvent(new CustomEvent("files", { detail: files }));
  };
  opener?.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    opener.closest("[popover]")?.hidePopover();
    open();
  });
  dialog.addEventListener("close", () => document.dispatchEvent(new Event("sent")));
  return open;
}

/** `overlay` says what a drop does, while something is held over the page. */
export function dropping(overlay, open) {
  const files = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  document.addEventListener("dragenter", (event) => files(event) && (overlay.hidden = false));
  document.addEventListener("dragover", (event) => files(event) && event.preventDefault());
  document.addEventListener("dragleave", (event) => !event.relatedTarget && (overlay.hidden = true));
  document.addEventListener("drop", (event) => {
    overlay.hidden = true;
    if (!files(event)) return;
    event.preventDefault();
    open(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => event.clipboardData?.files.length && open(event.clipboardData.files));
}
