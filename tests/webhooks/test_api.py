"""/api/v1/webhooks/ over HTTP."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import User
from accounts.services import api_keys
from tests.receivers import receiving
from tests.webhooks.conftest import end
from transcripts.models import Transcript, WebhookDelivery, WebhookEndpoint
from transcripts.services.webhook_delivery import deliver

pytestmark = pytest.mark.django_db
Endpoint = Callable[..., tuple[WebhookEndpoint, str]]


@pytest.fixture
def program(alice: User) -> Client:
    key = api_keys.create_key(alice, "hooks", ["webhooks"])[1]
    return Client(headers={"Authorization": f"Bearer {key}"})


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/webhooks/{path}", body or {}, "application/json")


def test_from_its_making_to_a_verified_message(program: Client, made: Transcript) -> None:
    with receiving() as receiver:
        answer = post(program, "", {"url": receiver.url + "/steno?for=me"})
        assert answer.status_code == 201
        assert answer.headers["Cache-Control"] == "no-store"
        created = answer.json()
        listed = program.get("/api/v1/webhooks/").json()["results"]
        assert listed == [{name: value for name, value in created.items() if name != "secret"}]
        message = end(made)
        assert message is not None
        deliver(message.pk)
    got = receiver.got[0]
    told = Webhook(created["secret"]).verify(got.body, got.headers)
    assert (told["type"], told["data"]["public_id"]) == ("transcript.completed", made.public_id)
    assert told["data"]["segments"][0]["text"] == "Grüße, 世界 🌍 \u2028."
    detail = program.get(f"/api/v1/webhooks/deliveries/{got.headers['webhook-id']}/").json()
    assert detail["body"].encode() == got.body
    assert [(each["number"], each["status"]) for each in detail["attempts"]] == [(1, 200)]


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.org/", "http://169.254.169.254/", "http://[::1]/", "https://u:p@example.org/", "x" * 3000],
)
def test_an_address_that_may_not_be_called_is_refused(program: Client, url: str) -> None:
    answer = post(program, "", {"url": url})
    assert answer.status_code == 400
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"url": "https://example.org", "events": ["other"]}, {"url": "https://example.org", "secret": "mine"}]
)
def test_a_wish_that_cannot_be_met_is_refused(program: Client, body: dict[str, Any]) -> None:
    assert post(program, "", body).status_code == 400


def test_an_account_has_ten_at_most(program: Client) -> None:
    statuses = [post(program, "", {"url": f"https://example.org/{n}"}).status_code for n in range(11)]
    assert statuses == [201] * 10 + [409]


def test_an_address_is_told_once(program: Client, endpoint: Endpoint) -> None:
    endpoint("https://example.org/a")
    other, _ = endpoint("https://example.org/b")
    path = f"/api/v1/webhooks/{other.public_id}/"
    assert post(program, "", {"url": "https://example.org/a"}).status_code == 409
    answer = program.patch(path, {"url": "https://example.org/a", "enabled": False}, "application/json")
    assert (answer.status_code, "already" in answer.json()["error"]) == (409, True)
    kept = program.get(path).json()
    assert (kept["url"], kept["enabled"]) == ("https://example.org/b", True)
    assert program.patch(path, {"url": "https://example.org/b"}, "application/json").status_code == 200


def test_it_is_changed_switched_off_and_deleted(program: Client, made: Transcript, endpoint: Endpoint) -> None:
    row, _ = endpoint("https://example.org/a")
    path = f"/api/v1/webhooks/{row.public_id}/"
    pending = end(made)
    change = {"url": "https://example.org/b", "events": ["transcript.failed"], "enabled": False}
    answer = program.patch(path, change, "application/json").json()
    assert {name: answer[name] for name in change} == change
    assert answer["disabled_because"] == "owner"
    assert WebhookDelivery.objects.get().state == "dead"
    assert end(made) == pending
    assert program.patch(path, {"enabled": True}, "application/json").json()["enabled"]
    assert end(made) == pending, "it hears of failures only"
    assert program.delete(path).status_code == 204
    assert program.get(path).status_code == 404
    assert not WebhookDelivery.objects.exists()


def test_a_rolled_secret_is_shown_once_and_the_old_one_signs_on(program: Client, endpoint: Endpoint) -> None:
    row, old = endpoint("https://example.org/a")
    rolled = post(program, f"{row.public_id}/roll/", {"overlap_hours": 24}).json()
    assert rolled["secret"] != old
    assert rolled["previous_secret_until"] is not None
    assert post(program, f"{row.public_id}/roll/", {"overlap_hours": 0}).json()["previous_secret_until"] is None
    assert post(program, f"{row.public_id}/roll/", {"overlap_hours": 5}).status_code == 400


def test_a_test_message_is_tried_once(program: Client, endpoint: Endpoint) -> None:
    with receiving([500]) as receiver:
        row, secret = endpoint(receiver.url)
        sent = post(program, f"{row.public_id}/test/")
        assert (sent.status_code, sent.json()["state"]) == (202, "pending")
        deliver(WebhookDelivery.objects.get().pk)
    assert Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "test"
    assert program.get(f"/api/v1/webhooks/deliveries/{sent.json()['id']}/").json()["state"] == "dead"
    row.refresh_from_db()
    assert row.failing_since is None


def test_one_a_range_or_all_that_were_given_up_are_sent_again(
    program: Client, made: Transcript, endpoint: Endpoint
) -> None:
    row, _ = endpoint("https://example.org/a")
    for _ in range(3):
        end(made)
    oldest = WebhookDelivery.objects.earliest("pk")
    assert post(program, f"deliveries/{oldest.public_id}/resend/").status_code == 409, "it is on its way"
    WebhookDelivery.objects.update(state="dead")
    WebhookDelivery.objects.filter(pk=oldest.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert post(program, f"deliveries/{oldest.public_id}/resend/").json()["state"] == "pending"
    WebhookDelivery.objects.update(state="dead")
    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert post(program, f"{row.public_id}/replay/", {"since": since}).json() == {"resent": 2}
    assert program.get("/api/v1/webhooks/deliveries/?state=dead").json()["count"] == 1
    assert post(program, f"{row.public_id}/replay/").json() == {"resent": 1}
    assert program.get(f"/api/v1/webhooks/deliveries/?endpoint={row.public_id}&limit=2").json()["count"] == 3
