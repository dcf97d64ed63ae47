export default function password(field) {
  const input = field.querySelector("input");
  const button = field.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.lastChild.textContent = shown ? "Show" : "Hide";
  });
  input.form.addEventListener("submit", () => (input.type = "password")); // else the browser may keep it in its history
}
