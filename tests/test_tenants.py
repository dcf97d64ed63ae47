"""Alice's things, asked for by Bob at every address that names a thing, by every method: he cannot tell them from
things that never were. And what names nothing tells him nothing of hers.

The addresses come from the URLconf, so a new one fails here until somebody says what it names.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import ApiKey, PaymentOrder, RequestLog, User
from accounts.services import api_keys, ledger
from tests.routes import METHODS, address, methods_of, patterns
from tests.transcripts.conftest import data_dir, engine  # noqa: F401
from tests.web.rows import captions, spoken, transcript
from transcripts import storage
from transcripts.models import (
    ChatSession,
    ChatTurn,
    Job,
    JobState,
    Media,
    StoredFile,
    Transcript,
    TranscriptSegment,
    WebhookDelivery,
    WebhookEndpoint,
)
from transcripts.services import chat, webhooks

pytestmark = pytest.mark.django_db
CANARY = "zanzibar"
"""In everything of Alice's that has words."""

NAMES: dict[str, str] = {
    "webhooks/<str:endpoint>/": "endpoint",
    "webhooks/<str:endpoint>/delete/": "endpoint",
    "webhooks/messages/<str:message>/": "message",
    "api/v1/webhooks/<str:endpoint>/": "endpoint",
    "api/v1/webhooks/<str:endpoint>/roll/": "endpoint",
    "api/v1/webhooks/<str:endpoint>/test/": "endpoint",
    "api/v1/webhooks/<str:endpoint>/replay/": "endpoint",
    "api/v1/webhooks/deliveries/<str:message>/": "message",
    "api/v1/webhooks/deliveries/<str:message>/resend/": "message",
    "billing/orders/<str:key>/": "order",
    "billing/orders/<str:key>/state/": "order",
    "keys/<int:pk>/roll/": "key",
    "keys/<int:pk>/revoke/": "key",
    "api/v1/keys/<int:pk>/": "key",
    "api/v1/keys/<int:pk>/roll/": "key",
    "api/v1/transcripts/<str:ref>/": "reference",
    "api/v1/transcripts/<str:ref>/cancel/": "reference",
    "api/v1/transcripts/<str:ref>/speakers/": "reference",
    "api/v1/transcripts/<str:ref>/export/<str:export_format>/": "reference",
    "v1/store/file/read/<path:key>": "file",
    "api/v1/transcripts/<str:ref>/shares/": "reference",
    "api/v1/transcripts/<str:ref>/shares/<str:key>/": "reference",
    "api/v1/streams/<str:session>/save/": "stream",
    "api/v1/transcripts/<str:ref>/turns/": "reference",
    "api/v1/transcripts/<str:ref>/turns/<int:turn>/": "reference",
    "api/v1/transcripts/<str:ref>/turns/<int:turn>/split/": "reference",
    "api/v1/transcripts/<str:ref>/turns/<int:turn>/merge/": "reference",
    "api/v1/transcripts/<str:ref>/turns/<int:turn>/speaker/": "reference",
    "api/v1/transcripts/<str:ref>/turns/<int:turn>/times/": "reference",
    "api/v1/transcripts/<str:ref>/speakers/merge/": "reference",
    "api/v1/transcripts/<str:ref>/replace/": "reference",
    "api/v1/transcripts/<str:ref>/undo/": "reference",
    "api/v1/transcripts/<str:ref>/history/": "reference",
    "api/v1/transcripts/<str:ref>/history/<int:number>/": "reference",
    "api/v1/transcripts/<str:ref>/history/<int:number>/restore/": "reference",
    "api/v1/transcripts/<str:ref>/versions/": "reference",
    "api/v1/transcripts/<str:ref>/versions/<int:number>/restore/": "reference",
    "api/v1/transcripts/<str:ref>/trash/": "reference",
    "api/v1/transcripts/<str:ref>/restore/": "reference",
    "api/v1/transcripts/<str:ref>/redo/": "reference",
    "api/v1/transcripts/<str:ref>/chat/": "reference",
    "api/v1/chat/<str:session>/": "session",
    "api/v1/transcripts/<str:ref>/insights/": "reference",
    "api/v1/transcripts/<str:ref>/audio/redacted/": "reference",
    "api/v1/transcripts/<str:ref>/summarize/": "reference",
    "api/v1/transcripts/<str:ref>/analyze/": "reference",
    "api/v1/transcripts/<str:ref>/generate/": "reference",
    "api/v1/transcripts/<str:ref>/translate/": "reference",
    "trash/<slug:slug>/delete/": "trashed",
    "transcripts/<slug:slug>/": "slug",
    "transcripts/<slug:slug>/progress/": "slug",
    "transcripts/<slug:slug>/words/": "slug",
    "transcripts/<slug:slug>/audio/": "slug",
    "transcripts/<slug:slug>/peaks/": "slug",
    "transcripts/<slug:slug>/export/": "slug",
    "transcripts/<slug:slug>/export/file/": "slug",
    "transcripts/<slug:slug>/export/pace/": "slug",
    "transcripts/<slug:slug>/export/<str:file_format>/": "slug",
    "transcripts/<slug:slug>/insights/": "slug",
    "transcripts/<slug:slug>/chat/": "slug",
    "transcripts/<slug:slug>/translate/": "slug",
    "transcripts/<slug:slug>/rename/": "slug",
    "transcripts/<slug:slug>/again/": "slug",
    "transcripts/<slug:slug>/cancel/": "slug",
    "transcripts/<slug:slug>/speakers/": "slug",
    "transcripts/<slug:slug>/delete/": "slug",
    "transcripts/<slug:slug>/subtitles/": "slug",
    "transcripts/<slug:slug>/subtitles/undo/": "slug",
    "transcripts/<slug:slug>/subtitles/<int:number>/": "slug",
    "transcripts/<slug:slug>/share/": "slug",
    "transcripts/<slug:slug>/share/preview/": "slug",
    "transcripts/<slug:slug>/share/<str:key>/revoke/": "slug",
    # By token, whoever has it may look: what an account owns has none, and its other names are none.
    "t/<str:token>/": "slug",
    "t/<str:token>/progress/": "slug",
    "t/<str:token>/words/": "slug",
    "t/<str:token>/audio/": "slug",
    "t/<str:token>/peaks/": "slug",
    "t/<str:token>/export/<str:file_format>/": "slug",
    "t/<str:token>/cancel/": "slug",
    "t/<str:token>/keep/": "slug",
    "s/<str:token>/": "slug",
    "s/<str:token>/words/": "slug",
    "s/<str:token>/audio/": "slug",
    "s/<str:token>/peaks/": "slug",
    "s/<str:token>/export/<str:file_format>/": "slug",
}
ELSEWHERE: dict[str, str] = {
    "admin/": "only for administrators, who are asked by tests/accounts/test_admin.py; below, Bob sees none of it",
    "accounts/^confirm-email/": "the address holds a signed secret from a mail",
    "accounts/^password/reset/key/": "the address holds a signed secret from a mail",
    "v1/store/public/": "the address holds a signed secret",
    "docs/": "a page of the reference, the same for all",
    "v1/models/": "a model is the server's, the same for all",
    "^api/v1/": "no address: answers with the one that has a slash",
    "^(?:v1|api)/": "no address",
    "^stt/": "no address",
}
ANSWERED_BEFORE_ITS_THING_IS_LOOKED_FOR = {302, 403, 405}
"""A method that an address does not take, or a form without its token: the same for all, so it tells nothing."""


@dataclass(frozen=True)
class Things:
    """The names by which hers can be asked for, and names of nothing in the same shape."""

    hers: dict[str, list[str]]
    nobodys: dict[str, list[str]]
    numbers: frozenset[str]


def _asked(owner: User, made: Transcript) -> ChatSession:
    deque(chat.ask(owner, [made], f"Do we sail to {CANARY}?"), maxlen=0)
    return ChatSession.objects.get()


@pytest.fixture
def things(alice: User) -> Things:
    made = transcript(alice, title=f"Plans for {CANARY}", segments=[spoken(f"Sail to {CANARY}.", 0.5, language="en")])
    thrown = transcript(alice, title=f"Away with {CANARY}", trashed_at=timezone.now())
    key = api_keys.create_key(alice, f"{CANARY} laptop")[0]
    order = PaymentOrder.objects.create(
        key="k" * 22,
        owner_id=alice.pk,
        kind=PaymentOrder.Kind.PACK,
        name=f"{CANARY} minutes",
        price_id="price_1",
        amount_minor=500,
        currency="usd",
        amount_mc=10_000,
        livemode=False,
    )
    ledger.grant(alice, 5000, actor="test", reason=f"for {CANARY}")
    RequestLog.objects.create(
        user=alice, at=made.created_at, method="GET", endpoint=f"/{CANARY}", status=200, request_id="r", duration_ms=1
    )
    stream = captions(alice, f"Sail to {CANARY}.")
    file = StoredFile.objects.create(
        owner=alice, key=f"a/{CANARY}.wav", place="p" * 22, filename=CANARY, content_type="audio/wav", size=4, sha256=""
    )
    path = storage.incoming_path("sent")
    path.write_bytes(b"RIFF")
    storage.store(file.place, storage.SOURCE, path)
    endpoint, _ = webhooks.create(alice, f"https://example.org/{CANARY}", webhooks.EVENTS)
    webhooks.tell(made.job, JobState.SUCCEEDED)
    delivery = WebhookDelivery.objects.get()
    hers = {
        "endpoint": [endpoint.public_id],
        "message": [delivery.public_id],
        "order": [order.key],
        "file": [file.key],
        "key": [str(key.pk)],
        "reference": [str(made.pk), made.public_id, made.slug],
        "slug": [made.slug],
        "trashed": [thrown.slug],
        "stream": [stream.public_id],
        "session": [_asked(alice, made).public_id],
    }
    nobodys = {
        "endpoint": ["ep_nothing0000"],
        "message": ["msg_nothing"],
        "order": ["q" * 22],
        "file": ["a/quiet.wav"],
        "key": ["999999"],
        "reference": ["999998", "tr_nothing0000", "n-1"],
        "slug": ["n-1"],
        "trashed": ["n-1"],
        "stream": ["ls_nothing0000"],
        "session": ["cs_nothing"],
    }
    return Things(
        hers,
        nobodys,
        frozenset(
            {
                made.public_id,
                made.slug,
                thrown.slug,
                order.key,
                key.key_id,
                endpoint.public_id,
                delivery.public_id,
                stream.public_id,
            }
        ),
    )


@pytest.fixture(autouse=True)
def unhurried(settings: Settings) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 100_000)


@pytest.fixture
def strangers(bob: User) -> dict[str, Client]:
    """Bob's browser, and his program with a key that may do everything."""
    browser = Client(raise_request_exception=False)
    browser.force_login(bob)
    key = api_keys.create_key(bob, "his", api_keys.SCOPES)[1]
    return {
        "browser": browser,
        "program": Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False),
    }


def ask(client: Client, route: str, name: str, method: str) -> Any:
    formats = {"<str:export_format>": "txt", "<str:file_format>": "txt", "<int:turn>": "0", "<int:number>": "1"}
    names = dict.fromkeys(
        (
            "<str:endpoint>",
            "<path:key>",
            "<str:message>",
            "<int:pk>",
            "<str:ref>",
            "<slug:slug>",
            "<str:key>",
            "<str:token>",
            "<str:session>",
        ),
        name,
    )
    path = address(route, {**names, **formats})
    if method == "get":
        return client.get(path, {"format": "txt"})
    if route.startswith("api/"):
        wish = {} if "/roll/" in route else {"title": "Mine now"}
        return getattr(client, method)(path, wish, "application/json")
    if method == "post":
        return client.post(path, {"title": "Mine now"})
    return getattr(client, method)(path)


def told(answer: Any, name: str) -> tuple[int, bytes]:
    """What can be told from an answer: its own number, the time and the name that was asked for apart."""
    body = answer.getvalue() if answer.streaming else answer.content
    for own in (answer.headers["X-Request-Id"], f"/{name}/"):
        body = body.replace(own.encode(), b"")
    return answer.status_code, re.sub(rb'(name="csrfmiddlewaretoken" value=|data-csrf=)"\w+"', b"", body)


def rows() -> list[Any]:
    """Everything of which Alice's things are made."""
    models = (
        ChatSession,
        ChatTurn,
        Transcript,
        TranscriptSegment,
        Job,
        Media,
        PaymentOrder,
        StoredFile,
        WebhookEndpoint,
        WebhookDelivery,
    )
    hers = ApiKey.objects.filter(name__contains=CANARY)
    return [list(each.order_by("pk").values()) for each in (hers, *(model.objects.all() for model in models))]


def test_every_address_that_names_a_thing_says_what() -> None:
    found = {route for route, _ in patterns() if re.search(r"[<(]", route)}
    assert {route for route in found if not route.startswith(tuple(ELSEWHERE))} == set(NAMES)


@pytest.mark.parametrize("visitor", ["browser", "program"])
def test_what_is_another_s_is_not_there(strangers: dict[str, Client], things: Things, visitor: str) -> None:
    before = rows()
    asked, not_found = 0, set()
    for route, pattern in patterns():
        if route not in NAMES:
            continue
        for method in methods_of(pattern):
            kind = NAMES[route]
            for hers, nobodys in zip(things.hers[kind], things.nobodys[kind], strict=True):
                answer = told(ask(strangers[visitor], route, hers, method), hers)
                assert answer == told(ask(strangers[visitor], route, nobodys, method), nobodys), (route, method)
                assert answer[0] in {404, *ANSWERED_BEFORE_ITS_THING_IS_LOOKED_FOR}, (route, method)
                assert CANARY.encode() not in answer[1]
                asked += 1
                not_found |= {route} if answer[0] == 404 else set()
    assert asked > len(NAMES)
    # A program's key opens no page, but the API and what needs nobody.
    assert not_found == {
        route for route in NAMES if visitor == "browser" or route.startswith(("api/", "v1/", "t/", "s/"))
    }
    assert rows() == before


def test_the_names_are_right(things: Things, client: Client, alice: User) -> None:
    """The same questions, asked by Alice, find her things: else the test above would show nothing."""
    client.force_login(alice)
    found = set()
    for route, kind in NAMES.items():
        # What would take the thing away comes with the deletes, which are not sent here.
        for method in ("get", "post") if not re.search("delete|revoke|/trash/", route) else ("get",):
            for name in things.hers[kind]:
                if ask(client, route, name, method).status_code not in (404, 405):
                    found.add(route)
    missing = set(NAMES) - found
    # Its recording was never stored, and the last three take only what takes the thing away.
    by_token = {route for route in NAMES if route.startswith(("t/", "s/"))}
    assert missing - by_token <= {
        "transcripts/<slug:slug>/audio/",
        "transcripts/<slug:slug>/peaks/",
        "api/v1/transcripts/<str:ref>/audio/redacted/",
        "transcripts/<slug:slug>/delete/",
        "keys/<int:pk>/revoke/",
        "api/v1/keys/<int:pk>/",
        "api/v1/transcripts/<str:ref>/shares/<str:key>/",
        "transcripts/<slug:slug>/share/<str:key>/revoke/",
        # It takes only a PATCH; nothing was done yet, and nothing is in the trash.
        "api/v1/transcripts/<str:ref>/turns/<int:turn>/",
        "api/v1/transcripts/<str:ref>/history/<int:number>/",
        "api/v1/transcripts/<str:ref>/history/<int:number>/restore/",
        "api/v1/transcripts/<str:ref>/trash/",
        "api/v1/transcripts/<str:ref>/restore/",
    }
    assert by_token <= missing


@pytest.mark.parametrize("visitor", ["browser", "program"])
def test_pages_and_lists_tell_nothing_of_another(strangers: dict[str, Client], things: Things, visitor: str) -> None:
    secrets = {CANARY, "alice@example.com", *things.numbers}
    asked = 0
    for route, pattern in patterns():
        if re.search(r"[<(]", route) or route.startswith("accounts/logout"):
            continue
        for method in methods_of(pattern) if route.startswith(("api/", "v1/")) else METHODS[:1]:
            answer = ask(strangers[visitor], route, "", method)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert answer.status_code < 500 or route == "health", (route, method)
            assert not [secret for secret in secrets if secret.encode() in body], (route, method)
            asked += 1
    assert asked > 60
