// Remembers which language somebody reads examples in.

export default function snippet(root) {
  const kept = localStorage.getItem("snippet");
  for (const radio of root.querySelectorAll("[name=lang]")) {
    if (radio.value === kept) radio.checked = true;
    radio.addEventListener("change", () => localStorage.setItem("snippet", radio.value));
  }
}
