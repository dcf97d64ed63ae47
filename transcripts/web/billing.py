"""The billing page: what is left, what can be bought, what came and went."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.services import checkout, ledger, offers, plans, statement
from accounts.services.statement import Line
from stt_site.lib import csp
from stt_site.lib.errors import ServiceError
from stt_site.lib.streaming import attachment
from transcripts import selectors
from transcripts.web.access import signed_in
from transcripts.web.library import status_now
from transcripts.web.tags import span

if TYPE_CHECKING:
    from accounts.models import User
    from transcripts.models import Transcript

LATEST = 50
MOST_LINES = 100_000
TITLES = {
    "free_month": "Free minutes of {month}",
    "grant": "Given by the administrator",
    "expire": "Minutes that ended unused",
    "purchase": "Bought: {memo}",
    "refund": "Refunded: {memo}",
    "dispute": "Payment disputed: {memo}",
    "give_back": "Given back: {memo}",
}


@dataclass(frozen=True, slots=True)
class Row:
    """`transcript` is None for what is no work, and for what was deleted since."""

    line: Line
    transcript: "Transcript | None"
    title: str
    note: str


@login_required
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    shown = statement.lines(user, LATEST + 1, _number(request.GET.get("before", "")))
    context = {
        "plan": plans.plan_of(user),
        "monthly": settings.FREE_MINUTES_PER_MONTH,
        "subscription": checkout.subscription_of(user),
        "has_invoices": checkout.is_customer(user),
        "cancelled": "cancelled" in request.GET,
        "rows": list(rows(user, shown[:LATEST])),
        "older": shown[LATEST - 1].id if len(shown) > LATEST else None,
        "order_keys": checkout.new_key,
        **_for_sale(),
    }
    response = render(request, "billing/page.html", context)
    if settings.STRIPE_SECRET_KEY:
        csp.forms_may_lead_to(response, settings.STRIPE_PAGES)
    return response


@login_required
@require_safe
def table(request: HttpRequest) -> HttpResponse:
    """The statement as CSV. Nothing in it is anybody's text."""
    headers = {**attachment("ledger.csv"), "Cache-Control": "private, no-store"}
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    written = csv.writer(response)
    written.writerow(("time", "kind", "reference", "minutes", "balance"))
    for line in statement.lines(signed_in(request), MOST_LINES):
        amounts = (ledger.credits_text(amount).replace(",", "") for amount in (line.amount_mc, line.balance_mc))
        written.writerow((line.at.isoformat(timespec="seconds"), line.kind.value, line.reference, *amounts))
    return response


def _number(text: str) -> int | None:
    # More digits than a key can have would be an error in the database.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _for_sale() -> dict[str, object]:
    """A provider that does not answer must not take the balance and the statement along."""
    try:
        found = offers.offers()
    except ServiceError as error:
        return {"unavailable": error.message}
    return {
        "packs": [each for each in found if not each.interval],
        "subscriptions": [each for each in found if each.interval],
    }


def _reason(transcript: "Transcript") -> str:
    return status_now(transcript).words.removeprefix("Failed: ").lower()


def rows(user: "User", lines: Iterable[Line]) -> Iterator[Row]:
    lines = list(lines)
    found = selectors.transcripts_paid_by(user, [line.reference for line in lines])
    for line in lines:
        transcript = found.get(line.reference)
        if line.kind.value in TITLES:
            title = TITLES[line.kind.value].format(month=f"{line.at:%B}", memo=line.memo)
            yield Row(line, None, title, line.memo if line.kind.value == "grant" else "")
        elif transcript is None:
            yield Row(line, None, "A deleted transcript", "" if line.amount_mc else "Not charged")
        elif line.kind.value == "release":
            yield Row(line, transcript, transcript.title, f"Not charged: {_reason(transcript)}")
        else:
            yield Row(line, transcript, transcript.title, f"{span(transcript)} of sound")
