// The page goes with the voice until the reader turns away, and says how to come back.

export class Following {
  /** `where()` is the lit range or null; `bar` is the player, `back` the button that resumes, `button` the switch. */
  constructor({ audio, where, bar, back, button }) {
    Object.assign(this, { audio, where, bar, back, button });
    this.on = true;
    this.away = false;
    this.ours = 0; // when the page last scrolled by itself
    this.theirs = 0; // when the reader last did what scrolls
    button.addEventListener("click", () => this.flip());
    back.addEventListener("click", () => this.set(true));
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      addEventListener(kind, () => (this.theirs = performance.now()), { passive: true });
    }
    addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  keepInView() {
    const range = this.on && !this.away ? this.where() : null;
    if (!range || this.elsewhere(range)) return;
    const box = range.getBoundingClientRect();
    const floor = this.bar.getBoundingClientRect().top;
    if (box.top > 80 && box.bottom < floor - 60) return;
    this.ours = performance.now();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollBy({ top: box.top - innerHeight * 0.35, behavior: calm ? "auto" : "smooth" });
  }

  /** Somebody types in another place: the page stays with them. */
  elsewhere(range) {
    const { activeElement: field } = document;
    return field?.isContentEditable && !field.contains(range.startContainer);
  }

  resume() {
    this.away = false;
    this.back.hidden = true;
  }

  scrolled() {
    if (!this.on || this.away || this.audio.paused) return;
    if (performance.now() - this.ours < 900 && performance.now() - this.theirs > 900) return;
    const box = this.where()?.getBoundingClientRect();
    if (!box || (box.bottom > 0 && box.top < this.bar.getBoundingClientRect().top)) return;
    this.away = true;
    this.back.hidden = false;
  }

  set(on) {
    this.on = on;
    this.button.setAttribute("aria-pressed", String(on));
    this.resume();
    if (on) this.keepInView();
  }

  flip() {
    this.set(!this.on);
  }
}
