"""W1 to W6: the HTTP is real, the clock is not."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import standardwebhooks.webhooks as reference
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Mail, User
from tests.conftest import Clock
from tests.receivers import Got, Says, receiving
from tests.webhooks.conftest import PAUSES, end
from transcripts.models import JobState, Transcript, WebhookDelivery, WebhookEndpoint
from transcripts.services import erase, webhooks
from transcripts.services.webhook_delivery import Outcome, _record, deliver, due

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State
Endpoint = Callable[..., tuple[WebhookEndpoint, str]]


def verified(got: Got, secret: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """By the specification's own library, at the clock's time."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return clock.now

    monkeypatch.setattr(reference, "datetime", Then)
    return Webhook(secret).verify(got.body, got.headers)


def test_w1_a_receiver_that_fails_for_three_days_gets_the_same_message_when_it_heals(
    made: Transcript, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving([500] * 9) as receiver:
        row, secret = endpoint(receiver.url + "/hook")
        message = end(made)
        assert message is not None
        began, waits = clock.now, []
        while (now := WebhookDelivery.objects.get(pk=message.pk)).state == State.PENDING:
            assert now.next_at is not None
            waits.append((now.next_at - clock.now).total_seconds())
            clock.now = now.next_at
            deliver(message.pk)
    assert now.state == State.DELIVERED
    assert clock.now - began > timedelta(days=2)
    assert len(receiver.got) == 10
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    stamps = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
    assert stamps == sorted(set(stamps))
    for pause, waited in zip(PAUSES, waits, strict=True):
        assert pause * 0.8 <= waited <= pause * 1.2
    assert verified(receiver.got[-1], secret, clock, monkeypatch)["type"] == "transcript.completed"
    row.refresh_from_db()
    assert row.failing_since is None


def test_a_message_that_nobody_takes_is_given_up_and_can_be_replayed(
    made: Transcript, endpoint: Endpoint, clock: Clock
) -> None:
    with receiving([500] * len(PAUSES)) as receiver:
        row, _ = endpoint(receiver.url)
        message = end(made)
        assert message is not None
        while (now := WebhookDelivery.objects.get(pk=message.pk)).state == State.PENDING:
            clock.now = now.next_at or clock.now
            deliver(message.pk)
        assert now.state == State.DEAD
        assert Mail.objects.get().kind == Mail.Kind.WEBHOOK_FAILED
        assert webhooks.replay(WebhookDelivery.objects.filter(endpoint=row)) == 1
        assert deliver(message.pk) is True
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.got}) == 1
    assert list(message.history.values_list("status", flat=True)) == [500] * len(PAUSES) + [200]


def hanging(request: BaseHTTPRequestHandler) -> None:
    request.rfile.read(1)  # Nothing more comes, until the other side hangs up.


def trickling(request: BaseHTTPRequestHandler) -> None:
    try:
        while True:
            request.wfile.write(b"H")
            threading.Event().wait(0.02)
    except OSError:
        return


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(500)
    request.end_headers()
    try:
        while True:
            request.wfile.write(b"x" * 65536)
    except OSError:
        return


@pytest.mark.parametrize("script", [hanging, trickling], ids=["hangs", "trickles"])
def test_w2_a_receiver_that_keeps_us_waiting_is_left(
    made: Transcript, endpoint: Endpoint, settings: Settings, script: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.3
    with receiving(script) as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        assert deliver(message.pk) is False
    attempt = message.history.get()
    assert (attempt.status, attempt.error) == (None, "No answer in time.")


def test_w2_of_an_endless_answer_a_kilobyte_is_read(made: Transcript, endpoint: Endpoint) -> None:
    with receiving(endless) as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        assert deliver(message.pk) is False
    assert message.history.get().answer == "x" * 1024


def test_w2_a_redirect_is_a_failure_and_not_followed(made: Transcript, endpoint: Endpoint) -> None:
    with receiving() as inside, receiving(lambda _: Says(302, headers={"Location": inside.url})) as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        assert deliver(message.pk) is False
    assert not inside.connections
    assert "redirects" in message.history.get().error


def test_w2_410_switches_the_endpoint_off(made: Transcript, endpoint: Endpoint) -> None:
    with receiving([410]) as receiver:
        row, _ = endpoint(receiver.url)
        message, other = end(made), end(made)
        assert message is not None
        assert other is not None
        deliver(message.pk)
    row.refresh_from_db()
    assert row.off == WebhookEndpoint.Off.GONE
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.DEAD}
    assert Mail.objects.get().context["off"]
    newest = end(made)
    assert newest == other, "an endpoint that is off hears of nothing new"
    assert webhooks.replay(WebhookDelivery.objects.all()) == 0
    webhooks.change(row, on=True)
    assert webhooks.replay(WebhookDelivery.objects.all()) == 2


@pytest.mark.parametrize(
    ("wish", "waited"),
    [("7200", 7200), ("99999999", 86400), ("Sat, 21 Nov 2026 15:00:00 GMT", 10800), ("soon", 0), ("-5", 0)],
)
def test_w2_retry_after_is_honoured_up_to_a_day(
    made: Transcript, endpoint: Endpoint, clock: Clock, wish: str, waited: int
) -> None:
    with receiving(lambda _: Says(429, headers={"Retry-After": wish})) as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        deliver(message.pk)
    message.refresh_from_db()
    assert message.next_at is not None
    left = (message.next_at - clock.now).total_seconds()
    assert left == waited if waited else left <= 6


def test_an_endpoint_that_takes_nothing_for_five_days_is_switched_off(
    alice: User, made: Transcript, endpoint: Endpoint, clock: Clock
) -> None:
    with receiving([500] * 100) as receiver:
        row, _ = endpoint(receiver.url)
        for day in range(7):
            message = end(made)
            assert message is not None
            deliver(message.pk)
            row.refresh_from_db()
            assert bool(row.off) == (day > 5)
            clock.advance(days=1)
    assert row.off == WebhookEndpoint.Off.FAILING
    assert not due(clock.now + timedelta(days=30)).exists()


def test_w3_a_sender_that_died_costs_a_try_and_not_the_message(
    made: Transcript, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        monkeypatch.setattr("transcripts.services.webhook_delivery._record", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(message.pk)
        monkeypatch.undo()
        monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)
        assert deliver(message.pk) is None, "its lease still runs"
        clock.advance(minutes=2)
        assert deliver(message.pk) is True
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 2


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_w3_a_sender_that_wakes_after_its_lease_changes_nothing(
    made: Transcript, endpoint: Endpoint, clock: Clock
) -> None:
    # What it knew when it sent; its answer comes after another has delivered the message.
    with receiving([500, 200]) as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        deliver(message.pk)
        stale = WebhookDelivery.objects.get(pk=message.pk)
        clock.advance(minutes=10)
        assert deliver(message.pk) is True
    _record(stale, Outcome(500), clock.now, 1)
    message.refresh_from_db()
    assert message.state == State.DELIVERED
    assert message.history.count() == 2


def test_w5_both_secrets_sign_for_a_day(
    made: Transcript, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        row, old = endpoint(receiver.url)
        new = webhooks.roll(row, timedelta(hours=24))
        for _ in range(2):
            message = end(made)
            assert message is not None
            deliver(message.pk)
            clock.advance(hours=24)
    during, after = receiver.got
    clock.advance(hours=-48)
    assert verified(during, old, clock, monkeypatch) == verified(during, new, clock, monkeypatch)
    clock.advance(hours=24)
    verified(after, new, clock, monkeypatch)
    with pytest.raises(WebhookVerificationError):
        verified(after, old, clock, monkeypatch)


TEXT = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=60)


ANYTHING: dict[str, Any] = {}


def says_its_context(transcript: Transcript, context: dict[str, Any]) -> dict[str, Any]:
    return context


def says_anything(transcript: Transcript, context: dict[str, Any]) -> dict[str, Any]:
    return dict(ANYTHING)


VALUES = TEXT | strategies.floats(allow_nan=False, allow_infinity=False) | strategies.none()


@given(value=strategies.dictionaries(TEXT, VALUES, max_size=5))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_w6_what_is_signed_is_what_is_sent(
    made: Transcript, settings: Settings, endpoint: Endpoint, value: dict[str, Any]
) -> None:
    with receiving([500]) as receiver:
        row, secret = endpoint(receiver.url)
        message = end(made)
        assert message is not None
        ANYTHING.clear()
        ANYTHING.update(value)
        WebhookDelivery.objects.filter(pk=message.pk).update(renderer=f"{__name__}.says_anything")
        deliver(message.pk)
        ANYTHING["changed"] = "since"
        WebhookDelivery.objects.filter(pk=message.pk).update(next_at=datetime.now(UTC))
        deliver(message.pk)
        webhooks.delete(row)
    assert receiver.got[0].body == receiver.got[1].body
    for got in receiver.got:
        assert Webhook(secret).verify(got.body, got.headers) == value


def test_the_webhook_of_a_request_keeps_its_query_and_waits_for_the_end(
    alice: User, made: Transcript, clock: Clock
) -> None:
    with receiving([500, 500]) as receiver:
        url = f"{receiver.url}/done?key=a%20b&x=%2F'"
        webhooks.expect(webhooks.Callback(url, f"{__name__}.says_its_context", {"id": "f" * 32}), made)
        message = WebhookDelivery.objects.get()
        assert deliver(message.pk) is None
        end(made, JobState.CANCELLED)
        while (message := WebhookDelivery.objects.get()).state == State.PENDING:
            clock.now = message.next_at or clock.now
            deliver(message.pk)
    assert [got.path for got in receiver.got] == ["/done?key=a%20b&x=%2F'"] * 3
    assert json.loads(receiver.got[-1].body) == {"id": "f" * 32}
    assert "webhook-id" in receiver.got[0].headers


def test_a_closed_account_hears_nothing_more(alice: User, made: Transcript, endpoint: Endpoint, clock: Clock) -> None:
    with receiving() as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        erase.begin(alice)
        assert deliver(message.pk) is None
    assert not receiver.connections
    erase.erase(alice.pk)
    assert not WebhookDelivery.objects.exists()


def test_a_message_that_was_not_made_is_tried_again(made: Transcript, endpoint: Endpoint, clock: Clock) -> None:
    with receiving() as receiver:
        endpoint(receiver.url)
        message = end(made)
        assert message is not None
        WebhookDelivery.objects.update(renderer=f"{__name__}.nothing_there")
        assert deliver(message.pk) is False
        WebhookDelivery.objects.update(renderer=f"{__name__}.says_its_context")
        clock.advance(seconds=10)
        assert deliver(message.pk) is True
    assert message.history.count() == 2
