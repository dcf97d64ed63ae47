// A second press of the button would be a second request whose answer nobody sees.

export default function once(form) {
  const button = form.querySelector("button:not([type=button])");
  form.addEventListener("submit", () => (button.disabled = true));
  addEventListener("pageshow", () => (button.disabled = false));
}
