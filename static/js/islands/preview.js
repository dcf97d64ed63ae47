// The preview of a link shows what the form would make of it now.

export default function preview(form) {
  const link = form.querySelector("[data-preview]");
  const show = () => {
    const chosen = new URLSearchParams(new FormData(form));
    for (const name of ["csrfmiddlewaretoken", "password"]) chosen.delete(name);
    link.href = `preview/?${chosen}`;
  };
  form.addEventListener("change", show);
  show();
}
