// On small screens the panel is a sheet over the foot of the page; the strip under the title opens it.

const SMALL = matchMedia("(max-width: 63.99rem)");

export class Sheet {
  /** `choose(name)` shows a tab. */
  constructor(side, strip, choose) {
    Object.assign(this, { side, strip });
    this.shut = side.querySelector("[data-do=shut]");
    this.shut.addEventListener("click", () => side.hidePopover());
    strip.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || !SMALL.matches) return;
      event.preventDefault();
      choose(link.dataset.tab);
      side.showPopover({ source: link });
      side.querySelector("[role=tab][tabindex='0']").focus({ preventScroll: true });
    });
    SMALL.addEventListener("change", () => this.fit());
    this.fit();
  }

  fit() {
    this.shut.hidden = !SMALL.matches;
    if (SMALL.matches) this.side.popover = "auto";
    else this.side.removeAttribute("popover");
  }

  hide() {
    if (this.side.matches(":popover-open")) this.side.hidePopover();
  }
}
