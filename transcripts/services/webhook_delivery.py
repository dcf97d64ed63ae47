"""One try of one webhook message: signed by Standard Webhooks, sent, and its outcome written down."""

import json
import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from standardwebhooks import Webhook

from accounts.models import Mail
from accounts.services import mails
from stt_site.lib import outbound
from stt_site.lib.outbound import Answer, Client, Limits
from transcripts.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from transcripts.services import webhook_secrets, webhooks

logger = logging.getLogger(__name__)
State = WebhookDelivery.State
LEASE_MARGIN = timedelta(seconds=30)
JITTER = 0.2
LONGEST_WISH = timedelta(hours=24)
"""For which a Retry-After is honoured."""
GIVE_UP = timedelta(days=5)
"""An endpoint that took nothing for so long is switched off."""
KEPT_ANSWER = 1024
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int | None
    error: str = ""
    answer: str = ""
    wait: timedelta = timedelta()
    """What the receiver asked for."""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def due(now: datetime) -> QuerySet[WebhookDelivery]:
    """Those of open accounts whose time has come and that nobody sends at this moment."""
    return WebhookDelivery.objects.filter(_ready(now), owner__is_active=True, owner__erasing_since=None)


def _ready(now: datetime) -> Q:
    return Q(state=State.PENDING, next_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lt=now))


def deliver(pk: int) -> bool | None:
    """Whether it was taken. None: it is not due, or another sends it."""
    now = timezone.now()
    lease = now + timedelta(seconds=settings.WEBHOOK_TIMEOUT_SECONDS) + LEASE_MARGIN
    if not due(now).filter(pk=pk).exists():
        return None
    # Of its own columns only: with a join PostgreSQL does not look again at a row that another has just claimed.
    claimed = WebhookDelivery.objects.filter(_ready(now), pk=pk).update(
        attempts=F("attempts") + 1, tries=F("tries") + 1, lease_until=lease
    )
    if not claimed:
        return None
    delivery = WebhookDelivery.objects.select_related("endpoint", "owner").get(pk=pk)
    began = time.perf_counter()
    try:
        outcome = _send(delivery, _body(delivery), now)
    except outbound.OutboundError as error:
        logger.info("Webhook %s: %s", delivery.public_id, error)
        refused = isinstance(error, outbound.NotAllowed)
        outcome = Outcome(None, "The address may not be called." if refused else "No answer in time.")
    except Exception:
        logger.exception("Webhook %s could not be made or sent.", delivery.public_id)
        outcome = Outcome(None, "The server could not make the message.")
    _record(delivery, outcome, now, round((time.perf_counter() - began) * 1000))
    return outcome.taken


def _body(delivery: WebhookDelivery) -> bytes:
    """The same bytes for every try: what is signed is what is sent."""
    if delivery.body is None:
        value = import_string(delivery.renderer)(delivery.transcript, delivery.context)
        text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        delivery.body = text.encode()
        WebhookDelivery.objects.filter(pk=delivery.pk).update(body=delivery.body)
    return bytes(delivery.body)


def _send(delivery: WebhookDelivery, body: bytes, now: datetime) -> Outcome:
    endpoint = delivery.endpoint
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery.public_id,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    if endpoint is not None:
        headers["webhook-signature"] = _signatures(endpoint, delivery.public_id, now, body)
    seconds = settings.WEBHOOK_TIMEOUT_SECONDS
    url = endpoint.url if endpoint else delivery.url
    with Client().open("POST", url, headers=headers, body=body, limits=Limits(seconds, seconds)) as answer:
        return Outcome(answer.status, _complaint(answer), _first_of(answer), _wish(answer, now))


def _signatures(endpoint: WebhookEndpoint, message_id: str, now: datetime, body: bytes) -> str:
    sealed = [endpoint.secret]
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        sealed.append(endpoint.previous_secret)
    text = body.decode()
    return " ".join(Webhook(webhook_secrets.opened(each)).sign(message_id, now, text) for each in sealed)


def _complaint(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return "It redirects, and redirects are not followed: give the address that it leads to."
    return ""


def _first_of(answer: Answer) -> str:
    """The status is what counts; an answer that trickles or breaks off after it says enough."""
    got = bytearray()
    try:
        for piece in answer.pieces():
            got += piece
            if len(got) >= KEPT_ANSWER:
                break
    except outbound.OutboundError:
        pass
    return bytes(got[:KEPT_ANSWER]).decode("utf-8", "replace").replace("\0", "")


def _wish(answer: Answer, now: datetime) -> timedelta:
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WISH)
    try:
        return min(max(parsedate_to_datetime(text) - now, timedelta()), LONGEST_WISH)
    except (ValueError, TypeError):
        return timedelta()


@transaction.atomic
def _record(delivery: WebhookDelivery, outcome: Outcome, at: datetime, duration_ms: int) -> None:
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, tries=delivery.tries)
    if outcome.taken:
        changed = mine.update(state=State.DELIVERED, next_at=None, lease_until=None, ended_at=timezone.now())
    elif _is_last(delivery, outcome):
        changed = mine.update(state=State.DEAD, next_at=None, lease_until=None, ended_at=timezone.now())
    else:
        changed = mine.update(next_at=_next(delivery.attempts, outcome.wait), lease_until=None)
    if not changed:
        return  # It was deleted, or was taken over while this sender slept.
    WebhookAttempt.objects.create(
        delivery=delivery,
        number=delivery.tries,
        at=at,
        duration_ms=duration_ms,
        status=outcome.status,
        error=outcome.error[:200],
        answer=outcome.answer,
    )
    if delivery.endpoint is not None and (outcome.taken or delivery.event != webhooks.TEST):
        _judge(delivery.endpoint, delivery, outcome)


def _is_last(delivery: WebhookDelivery, outcome: Outcome) -> bool:
    used_up = delivery.attempts >= len(settings.WEBHOOK_PAUSES)
    return used_up or outcome.status == GONE or delivery.event == webhooks.TEST


def _next(attempts: int, wish: timedelta) -> datetime:
    pause = timedelta(seconds=settings.WEBHOOK_PAUSES[attempts]) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return timezone.now() + max(pause, wish)


def _judge(endpoint: WebhookEndpoint, delivery: WebhookDelivery, outcome: Outcome) -> None:
    """What a try says of the endpoint, and whether its owner should hear of it."""
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    now = timezone.now()
    if outcome.taken:
        row.exclude(failing_since=None).update(failing_since=None)
        return
    row.filter(failing_since=None).update(failing_since=now)
    on = row.filter(off=WebhookEndpoint.Off.ON)
    if outcome.status == GONE:
        ended = on.update(off=WebhookEndpoint.Off.GONE)
    else:
        ended = on.filter(failing_since__lt=now - GIVE_UP).update(off=WebhookEndpoint.Off.FAILING)
    if ended:
        webhooks.drop_pending(endpoint)
    if ended or delivery.attempts >= len(settings.WEBHOOK_PAUSES):
        about = f"{endpoint.public_id} {'off' if ended else 'dead'} {now:%Y-%m-%d}"
        context = {"url": endpoint.url, "off": bool(ended), "path": f"/webhooks/{endpoint.public_id}/"}
        mails.write(delivery.owner, Mail.Kind.WEBHOOK_FAILED, about, **context)
