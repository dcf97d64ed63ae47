// Mod+K: every page, the last transcripts and what can be done here, by a few letters. A shortcut, never the only way.

const TRANSCRIPTS = "/api/v1/transcripts/?limit=20";
const HERE = "main :is(.doc__actions, .page__head, [role=tablist]) :is(a[href], button):not([disabled], [popovertarget])";

const said = (element) => (element.textContent.trim() || element.ariaLabel || "").replace(/\s+/g, " ");

export class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = dialog.querySelector("input");
    this.list = dialog.querySelector("[role=listbox]");
    this.input.addEventListener("input", () => this.draw());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.run(event.target.closest("[role=option]")));
    this.recent = [];
  }

  async open() {
    if (this.dialog.open) return this.dialog.close();
    const linked = (kind, links) => [...links].map((link) => ({ kind, name: said(link), run: () => location.assign(link.href) }));
    const acts = [...document.querySelectorAll(HERE)].map((one) => ({ kind: "Here", name: said(one), run: () => one.click() }));
    const pages = linked("Page", document.querySelectorAll(".sidebar nav a, #account-menu > a"));
    this.fixed = [...acts, ...pages].filter(({ name }) => name);
    this.input.value = "";
    this.draw();
    this.dialog.showModal();
    const answer = await fetch(TRANSCRIPTS, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const { results } = await answer.json();
    this.recent = results.map(({ title, slug }) => ({ kind: "Transcript", name: title, run: () => location.assign(`/transcripts/${slug}/`) }));
    this.draw();
  }

  draw() {
    const query = this.input.value.trim();
    const words = query.toLowerCase().split(/\s+/);
    const found = [...this.fixed, ...this.recent].filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
    if (query) {
      found.sort((one, other) => other.name.toLowerCase().startsWith(words[0]) - one.name.toLowerCase().startsWith(words[0]));
      found.push({ kind: "Search", name: `Transcripts that say “${query}”`, run: () => location.assign(`/transcripts/?q=${encodeURIComponent(query)}`) });
    }
    this.found = found;
    this.list.replaceChildren(...found.map((one, number) => option(one, number)));
    this.choose(0);
  }

  choose(number) {
    this.at = number;
    for (const one of this.list.children) one.setAttribute("aria-selected", one === this.list.children[number]);
    const chosen = this.list.children[number];
    this.input.setAttribute("aria-activedescendant", chosen?.id ?? "");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const last = this.found.length - 1;
    const to = { ArrowDown: this.at < last ? this.at + 1 : 0, ArrowUp: this.at > 0 ? this.at - 1 : last, PageDown: last, PageUp: 0 }[event.key];
    if (event.isComposing) return;
    if (event.key === "Enter") this.run(this.list.children[this.at]);
    else if (to === undefined) return;
    else this.choose(to);
    event.preventDefault();
  }

  run(chosen) {
    const one = this.found[[...this.list.children].indexOf(chosen)];
    if (!one) return;
    this.dialog.close();
    one.run();
  }
}

function option({ kind, name }, number) {
  const line = Object.assign(document.createElement("li"), { id: `palette-${number}` });
  line.setAttribute("role", "option");
  const label = Object.assign(document.createElement("span"), { textContent: name, dir: "auto" });
  line.append(label, Object.assign(document.createElement("small"), { textContent: kind }));
  return line;
}
