// Small things that several islands share.

export function announce(text) {
  document.getElementById("status").textContent = text;
}

export function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** 0:12 under an hour, else 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const pad = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** 12 minutes 4 seconds. */
export function spoken(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const parts = [[Math.floor(whole / 3600), "hour"], [Math.floor((whole % 3600) / 60), "minute"], [whole % 60, "second"]];
  const said = parts.filter(([n], i) => n || (i === 2 && whole < 60)).map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return said.join(" ");
}

export function megabytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e7 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export const inField = (target) => target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");

/**
 * Calls `work` again and again: soon while it says that something moves, rarely while the reader is idle, not at all while
 * the page is hidden, unless `always`. `work` returns false when there is nothing left to wait for.
 */
export function poll(work, { active = 2000, idle = 15000, now = false, always = false } = {}) {
  let touched = Date.now();
  let timer;
  for (const kind of ["pointermove", "keydown", "scroll"]) addEventListener(kind, () => (touched = Date.now()), { passive: true });
  const later = () => {
    clearTimeout(timer);
    if (!document.hidden || always) timer = setTimeout(again, Date.now() - touched < 60000 && !document.hidden ? active : idle);
  };
  const again = async () => {
    let more = true;
    try {
      more = await work();
    } catch {
      // The server or the network is away for a moment: ask again.
    }
    if (more !== false) later();
    else document.removeEventListener("visibilitychange", onShow);
  };
  const onShow = () => {
    clearTimeout(timer);
    if (document.hidden) later();
    else again();
  };
  document.addEventListener("visibilitychange", onShow);
  if (now) again();
  else later();
}

/** Copies what stands in a field. Over plain http there is no clipboard API: then the old command, and else the selection. */
export async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}
