"""The pages of webhooks."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.receivers import receiving
from tests.web.rows import transcript
from tests.web.test_pages import INLINE
from transcripts.models import JobState, WebhookDelivery, WebhookEndpoint
from transcripts.services import webhooks
from transcripts.services.webhook_delivery import deliver

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")


@pytest.fixture(autouse=True)
def local(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


def made(alice: User, url: str = "https://example.org/hook") -> WebhookEndpoint:
    return webhooks.create(alice, url, webhooks.EVENTS)[0]


def do(page: Client, endpoint: WebhookEndpoint, what: str, **more: Any) -> Any:
    return page.post(f"/webhooks/{endpoint.public_id}/", {"do": what, **more}, follow=True)


def test_it_is_made_and_its_secret_shown_once(page: Client, alice: User) -> None:
    answer = page.post("/webhooks/", {"url": "https://example.org/a?k=v", "events": ["transcript.failed"]})
    assert len(SECRET.findall(answer.content.decode())) == 1
    assert not INLINE.search(answer.content.decode().replace("https://example.org", ""))
    row = WebhookEndpoint.objects.get()
    assert (row.owner, row.url, row.events) == (alice, "https://example.org/a?k=v", ["transcript.failed"])
    for path in ("/webhooks/", f"/webhooks/{row.public_id}/"):
        assert not SECRET.search(page.get(path).content.decode())
    again = page.post("/webhooks/", {"url": row.url, "events": ["transcript.failed"]})
    assert again.status_code == 400
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"url": "http://10.0.0.1/", "events": ["transcript.failed"]}, "public host"),
        ({"url": "https://example.org/"}, "Choose at least one"),
        ({"events": ["transcript.failed"]}, "Give the address"),
    ],
)
def test_what_is_wrong_is_said_at_the_form(page: Client, form: dict[str, Any], says: str) -> None:
    answer = page.post("/webhooks/", form)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_message_its_tries_and_sending_it_again(page: Client, alice: User) -> None:
    of = transcript(alice)
    with receiving([500]) as receiver:
        endpoint = made(alice, receiver.url)
        webhooks.tell(of.job, JobState.SUCCEEDED)
        sent = WebhookDelivery.objects.get()
        assert "On its way" in page.get("/webhooks/").content.decode()
        deliver(sent.pk)
        assert "Again in a moment" in page.get(f"/webhooks/{endpoint.public_id}/").content.decode()
        WebhookDelivery.objects.update(state="dead", next_at=None)
        html = do(page, endpoint, "replay").content.decode()
        assert "1 message on the way again." in html
        deliver(sent.pk)
    html = page.get(f"/webhooks/messages/{sent.public_id}/").content.decode()
    assert ("Taken" in html, "<strong>500</strong>" in html, "<strong>200</strong>" in html) == (True, True, True)
    assert "&quot;type&quot;: &quot;transcript.completed&quot;" in html
    answer = page.post(f"/webhooks/messages/{sent.public_id}/", follow=True)
    assert "on its way again" in answer.content.decode()
    assert "is on its way already" in page.post(f"/webhooks/messages/{sent.public_id}/", follow=True).content.decode()


def test_it_is_changed_rolled_tested_switched_and_deleted(page: Client, alice: User) -> None:
    endpoint = made(alice)
    do(page, endpoint, "save", url="https://example.org/new", events=["transcript.completed"])
    assert SECRET.search(do(page, endpoint, "roll", overlap="24").content.decode())
    assert "test" in do(page, endpoint, "test").content.decode()
    assert "It is off" in do(page, endpoint, "switch").content.decode()
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.off) == (
        "https://example.org/new",
        ["transcript.completed"],
        WebhookEndpoint.Off.OWNER,
    )
    assert endpoint.previous_secret
    assert do(page, endpoint, "nonsense").status_code == 400
    path = f"/webhooks/{endpoint.public_id}/delete/"
    assert "Delete this webhook?" in page.get(path).content.decode()
    page.post(path)
    assert not WebhookEndpoint.objects.exists()
