"""Webhooks on the running product, and their pages in a browser."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook

from accounts.models import User
from tests.e2e.conftest import Open, Product, sign_in
from tests.e2e.test_keys import assert_accessible
from tests.receivers import Says, receiving
from tests.web.rows import transcript
from transcripts.models import JobState
from transcripts.services import webhooks
from transcripts.services.webhook_delivery import deliver

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """With the tries close together, and its receivers on this machine."""
    local = {"STT_OUTBOUND_ALLOW": "127.0.0.1/32", "STT_WEBHOOK_PAUSES": "0,0.2,0.2,0.2"}
    product = Product(tmp_path_factory.mktemp("hooked"), **local)
    yield product
    product.stop()


def test_a_transcript_is_told_of_until_the_receiver_takes_it(hooked: Product, open_page: Open, talk: Path) -> None:
    page = open_page()
    sign_in(page, hooked.address, "admin@localhost", hooked.password)
    answers, taken = [500, 500], threading.Event()

    def unwell(_: object) -> Says:
        if answers:
            return Says(answers.pop(), b"not today")
        taken.set()
        return Says()

    with receiving(unwell) as receiver:
        page.goto(f"{hooked.address}/webhooks/")
        page.get_by_label("Address").fill(f"{receiver.url}/steno?for=me")
        page.get_by_role("button", name="Create webhook").click()
        expect(page.get_by_role("heading", name="The webhook is ready")).to_be_focused()
        assert_accessible(page)
        secret = page.get_by_label("Its secret").input_value()
        page.get_by_role("button", name="Copy").press("Control+c")
        key = page.request.post(
            f"{hooked.address}/api/v1/keys/",
            data={"name": "hook"},
            headers={"X-CSRFToken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()},
        ).json()["key"]
        with talk.open("rb") as file:
            made = httpx.post(
                f"{hooked.address}/v1/transcribe",
                files={"file": file},
                headers={"Authorization": f"Bearer {key}"},
                timeout=120,
            )
        assert made.status_code == 200
        assert taken.wait(30)
    assert len(receiver.got) == 3
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.got}) == 1
    got = receiver.got[-1]
    assert got.path == "/steno?for=me"
    told = Webhook(secret).verify(got.body, got.headers)
    assert told["data"]["text"] == made.json()["text"]
    used = httpx.get(f"{hooked.address}/api/v1/usage/", headers={"Authorization": f"Bearer {key}"}).json()
    assert used["total"]["requests"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_read_well(
    read: Callable[..., Page], alice: User, settings: Settings, width: int, scheme: str, tmp_path: Path
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with receiving([500, 200]) as receiver:
        endpoint, _ = webhooks.create(alice, f"{receiver.url}/a/rather/long/address?key={'k' * 40}", webhooks.EVENTS)
        for state in (JobState.SUCCEEDED, JobState.SUCCEEDED):
            webhooks.tell(transcript(alice, title="Weekly planning").job, state)
        ids = [sent.pk for sent in endpoint.deliveries.all()]
        for pk in ids:
            deliver(pk)
    page = read("/webhooks/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    sent = endpoint.deliveries.get(pk=ids[1]).public_id
    places = {
        "list": "/webhooks/",
        "one": f"/webhooks/{endpoint.public_id}/",
        "message": f"/webhooks/messages/{sent}/",
        "delete": f"/webhooks/{endpoint.public_id}/delete/",
    }
    for name, path in places.items():
        page.goto(page.url.split("/webhooks/")[0] + path)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
