// The tabs of the panel. The server draws them as links; here they become tabs in the sense of ARIA, with arrow keys.

const COOKIE = "panel=%; path=/transcripts; max-age=31536000; samesite=lax";

export class Tabs {
  /** `onOpen(name)` hears of every tab that is shown. */
  constructor(list, onOpen) {
    this.onOpen = onOpen;
    this.tabs = [...list.querySelectorAll("a")];
    list.setAttribute("role", "tablist");
    for (const tab of this.tabs) {
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", this.panel(tab).id);
      this.panel(tab).setAttribute("role", "tabpanel");
      tab.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        this.choose(tab);
      });
    }
    list.addEventListener("keydown", (event) => this.key(event));
    this.show(this.tabs.find((tab) => tab.ariaCurrent) ?? this.tabs[0]);
  }

  panel = (tab) => document.getElementById(`panel-${tab.dataset.tab}`);

  show(chosen) {
    this.chosen = chosen;
    for (const tab of this.tabs) {
      const on = tab === chosen;
      tab.removeAttribute("aria-current");
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      this.panel(tab).hidden = !on;
    }
    this.onOpen(chosen.dataset.tab);
  }

  choose(tab) {
    if (tab === this.chosen) return;
    this.show(tab);
    const { tab: name } = tab.dataset;
    document.cookie = COOKIE.replace("%", name);
    const address = new URL(location.href);
    address.searchParams.set("panel", name);
    history.replaceState(history.state, "", address);
  }

  named(name) {
    this.choose(this.tabs.find((tab) => tab.dataset.tab === name));
  }

  key(event) {
    const at = this.tabs.indexOf(this.chosen);
    const rtl = getComputedStyle(this.chosen).direction === "rtl" ? -1 : 1;
    const { length } = this.tabs;
    const to = { ArrowRight: at + rtl, ArrowLeft: at - rtl, Home: 0, End: length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // the player has these keys too
    this.choose(this.tabs[(to + length) % length]);
    this.chosen.focus();
  }
}
