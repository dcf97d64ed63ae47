"""Webhooks: who wants to hear what, and which messages are due. `webhook_delivery` sends them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from stt_site.lib import doorbell, outbound
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts.models import Job, JobState, Transcript, WebhookDelivery, WebhookEndpoint
from transcripts.services import webhook_secrets

State = WebhookDelivery.State
COMPLETED, FAILED, TEST, CALLBACK = "transcript.completed", "transcript.failed", "test", "callback"
EVENTS = (COMPLETED, FAILED)
"""What an endpoint can hear of."""
EVENT_OF = {JobState.SUCCEEDED: COMPLETED, JobState.FAILED: FAILED}
EVENT_BODY = "transcripts.api.webhook_body.event"
TEST_BODY = "transcripts.api.webhook_body.test"
MOST_ENDPOINTS = 10
OVERLAPS = (timedelta(), timedelta(hours=24))
"""How long a secret that was rolled may go on signing."""
KEPT = timedelta(days=30)
MOST_REPLAYED = 10_000


@dataclass(frozen=True, slots=True)
class Callback:
    """The webhook of one request. `renderer` is the dotted path of `(Transcript, context) -> dict`, called when the
    job has ended, however it did. Raises URL_NOT_ALLOWED when it is made."""

    url: str
    renderer: str
    context: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_url(self.url)


def check_url(url: str) -> None:
    try:
        outbound.check_url(url)
    except outbound.NotAllowed as error:
        message = "A webhook goes to an http or https URL of a public host. Nothing was done or charged."
        raise ServiceError(ErrorCode.URL_NOT_ALLOWED, message) from error


def bell_path() -> Path:
    path: Path = settings.RUN_DIR / "webhooks.sock"
    return path


def create(owner: User, url: str, events: Iterable[str]) -> tuple[WebhookEndpoint, str]:
    """The row and its secret, which is not shown again."""
    check_url(url)
    chosen = _checked(events)
    secret = webhook_secrets.new()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        _check_is_new(owner.pk, url)
        if WebhookEndpoint.objects.filter(owner=owner).count() >= MOST_ENDPOINTS:
            message = f"An account has at most {MOST_ENDPOINTS} webhooks. Delete one, then retry."
            raise ServiceError(ErrorCode.CONFLICT, message)
        endpoint = WebhookEndpoint.objects.create(
            public_id=f"ep_{new_id()}", owner=owner, url=url, events=chosen, secret=webhook_secrets.sealed(secret)
        )
    return endpoint, secret


def change(
    endpoint: WebhookEndpoint, *, url: str | None = None, events: Iterable[str] | None = None, on: bool | None = None
) -> None:
    """What is None stays. Switched on, it starts with a clean slate; what was given up meanwhile waits for a replay."""
    if url is not None:
        check_url(url)
    if events is not None:
        endpoint.events = _checked(events)
    if on is not None and on != (endpoint.off == WebhookEndpoint.Off.ON):
        endpoint.off = WebhookEndpoint.Off.ON if on else WebhookEndpoint.Off.OWNER
        endpoint.failing_since = None
    with transaction.atomic():
        User.objects.select_for_update().get(pk=endpoint.owner_id)
        if url is not None:
            _check_is_new(endpoint.owner_id, url, but=endpoint.pk)
            endpoint.url = url
        endpoint.save(update_fields=["url", "events", "off", "failing_since"])
    if endpoint.off:
        drop_pending(endpoint)


def delete(endpoint: WebhookEndpoint) -> None:
    """With its messages: what is being sent this moment may still arrive."""
    endpoint.delete()


def roll(endpoint: WebhookEndpoint, overlap: timedelta) -> str:
    """The new secret. For `overlap`, one of OVERLAPS, messages carry a signature of the old one too."""
    if overlap not in OVERLAPS:
        hours = " or ".join(str(each // timedelta(hours=1)) for each in OVERLAPS)
        raise ServiceError(
            ErrorCode.INVALID_REQUEST, f"The old secret can go on signing for {hours} hours. Nothing was changed."
        )
    secret = webhook_secrets.new()
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        endpoint.previous_secret = row.secret if overlap else ""
        endpoint.previous_until = timezone.now() + overlap if overlap else None
        endpoint.secret = webhook_secrets.sealed(secret)
        endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    return secret


def expect(callback: Callback, transcript: Transcript) -> None:
    """Joins the transaction that accepts the job."""
    if transcript.owner is None:
        raise ServiceError(ErrorCode.NOT_SIGNED_IN, "A webhook needs an API key. Nothing was charged.")
    WebhookDelivery.objects.create(
        public_id=_message_id(),
        owner=transcript.owner,
        transcript=transcript,
        event=CALLBACK,
        url=callback.url,
        receiver=f"{transcript.owner_id} {outbound.host_of(callback.url)}"[:300],
        renderer=callback.renderer,
        context=callback.context,
        state=State.WAITING,
    )


def tell(job: Job, state: JobState) -> None:
    """Joins the transaction that ends the job: its messages are there if and only if it has ended."""
    if job.owner_id is None:
        return
    # A further job over a recording is no transcript's: its owner asked on the page and sees it there.
    transcripts = Transcript.objects.filter(job=job)
    now = timezone.now()
    told = WebhookDelivery.objects.filter(transcript__in=transcripts.values("pk"), state=State.WAITING).update(
        state=State.PENDING, next_at=now
    )
    event = EVENT_OF.get(state)
    endpoints = WebhookEndpoint.objects.filter(owner=job.owner_id, off=WebhookEndpoint.Off.ON) if event else ()
    if wanting := [endpoint for endpoint in endpoints if event in endpoint.events]:
        for transcript in transcripts.only("pk"):
            told += len([_enqueue(endpoint, str(event), EVENT_BODY, now, transcript) for endpoint in wanting])
    if told:
        _ring()


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Also to one that is switched off, to see whether it is well again."""
    delivery = _enqueue(endpoint, TEST, TEST_BODY, timezone.now(), None)
    _ring()
    return delivery


def replay(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Send once more, with the same ids and bytes and all tries before them. Those under way are left alone, and
    those of an endpoint that is switched off."""
    on = Q(endpoint=None) | Q(endpoint__off=WebhookEndpoint.Off.ON) | Q(event=TEST)
    chosen = deliveries.filter(on, state__in=(State.DELIVERED, State.DEAD)).order_by("pk")
    number = WebhookDelivery.objects.filter(pk__in=list(chosen.values_list("pk", flat=True)[:MOST_REPLAYED])).update(
        state=State.PENDING, attempts=0, next_at=timezone.now(), lease_until=None, ended_at=None
    )
    if number:
        _ring()
    return number


def resend(delivery: WebhookDelivery) -> None:
    """Raises CONFLICT where it is on its way already, or its endpoint is off."""
    if not replay(WebhookDelivery.objects.filter(pk=delivery.pk)):
        message = "This message is on its way already, or its webhook is off. Nothing was sent again."
        raise ServiceError(ErrorCode.CONFLICT, message)


def drop_pending(endpoint: WebhookEndpoint) -> None:
    WebhookDelivery.objects.filter(endpoint=endpoint, state=State.PENDING).exclude(event=TEST).update(
        state=State.DEAD, next_at=None, ended_at=timezone.now()
    )


def remove_all(owner_id: int) -> None:
    WebhookDelivery.objects.filter(owner_id=owner_id).delete()
    WebhookEndpoint.objects.filter(owner_id=owner_id).delete()


def purge() -> None:
    """Forgets those that ended long ago."""
    WebhookDelivery.objects.filter(ended_at__lt=timezone.now() - KEPT).delete()


def _check_is_new(owner_id: int, url: str, but: int = 0) -> None:
    if WebhookEndpoint.objects.filter(owner=owner_id, url=url).exclude(pk=but).exists():
        message = "There is a webhook for this address already. Nothing was made or changed."
        raise ServiceError(ErrorCode.CONFLICT, message)


def _checked(events: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(events))
    if not chosen or any(event not in EVENTS for event in chosen):
        message = f"A webhook hears of one or more of {', '.join(EVENTS)}. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return chosen


def _enqueue(
    endpoint: WebhookEndpoint, event: str, renderer: str, now: datetime, transcript: Transcript | None
) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        public_id=_message_id(),
        owner_id=endpoint.owner_id,
        endpoint=endpoint,
        transcript=transcript,
        event=event,
        receiver=endpoint.public_id,
        renderer=renderer,
        next_at=now,
    )


def _message_id() -> str:
    return f"msg_{new_id(22)}"


def _ring() -> None:
    transaction.on_commit(lambda: doorbell.ring(bell_path()))
