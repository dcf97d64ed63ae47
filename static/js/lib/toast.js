// One sentence at the foot of the page, with what can be done about it. It covers nothing for long and moves nothing.

/** `actions`: [[label, function]]. Goes away by itself after `seconds`; without, when one is chosen. */
export function toast(words, actions, { seconds = 0 } = {}) {
  document.querySelector(".toast")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "toast" });
  box.setAttribute("role", "status");
  box.append(Object.assign(document.createElement("span"), { textContent: words, dir: "auto" }));
  for (const [label, act] of actions) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn--small", textContent: label });
    button.addEventListener("click", () => {
      box.remove();
      act?.();
    });
    box.append(button);
  }
  document.body.append(box);
  if (seconds) setTimeout(() => box.remove(), seconds * 1000);
}
