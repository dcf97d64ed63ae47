// After Stripe's page: asks our own server each second whether the payment has arrived, half a minute long.

import { announce } from "../lib/page.js";

const ATTEMPTS = 30;

export default function payment(root) {
  let left = ATTEMPTS;
  const look = async () => {
    const answer = await fetch(root.dataset.url, { headers: { Accept: "application/json" } }).catch(() => null);
    const state = answer?.ok ? (await answer.json()).state : "open";
    if (state !== "open") return location.reload();
    if (--left) return void setTimeout(look, 1000);
    root.querySelector("[data-working]").hidden = true;
    const late = root.querySelector("[data-late]");
    late.hidden = false;
    announce(late.textContent);
  };
  setTimeout(look, 1000);
}
