"""Which scope opens which address: every route of the APIs, by every method, with a key of every single scope.

The routes come from the URLconf, so a new one fails here until somebody says what it needs.
"""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import api_keys
from tests.routes import address, methods_of, patterns
from tests.transcripts.conftest import data_dir, engine  # noqa: F401

pytestmark = pytest.mark.django_db
APIS = re.compile(r"(v1|api|health|openapi)")
FALLBACKS = {r"^api/v1/.*[^/]$", r"^(?:v1|api)/"}
OPEN = "open to all"

NEEDS: dict[tuple[str, str], str] = {
    ("health", "get"): OPEN,
    ("openapi.json", "get"): OPEN,
    ("v1/models", "get"): OPEN,
    ("v1/languages", "get"): OPEN,
    ("v1/transcribe", "post"): "transcribe",
    ("v1/enhance-audio", "post"): "transcribe",
    ("v1/tts", "post"): "transcribe",
    ("v1/stream/token", "post"): "stream",
    ("api/v1/account/", "get"): "read",
    ("api/v1/account/", "patch"): "write",
    ("api/v1/cloud/", "get"): "read",
    ("api/v1/keys/", "get"): "read",
    ("api/v1/keys/", "post"): "keys:write",
    ("api/v1/keys/<int:pk>/", "delete"): "keys:write",
    ("api/v1/keys/<int:pk>/roll/", "post"): "keys:write",
    ("api/v1/transcripts/", "get"): "read",
    ("api/v1/transcripts/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/", "patch"): "write",
    ("api/v1/transcripts/<str:ref>/", "delete"): "delete",
    ("api/v1/transcripts/<str:ref>/cancel/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/export/<str:export_format>/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/speakers/", "post"): "write",
    ("api/v1/usage/", "get"): "read",
}
VALUES = {"<int:pk>": "999999", "<str:ref>": "nothing", "<str:export_format>": "txt"}


def routes() -> list[tuple[str, str]]:
    found = []
    for route, pattern in patterns():
        if not APIS.match(route.removeprefix("^").removeprefix("(?:")) or route in FALLBACKS:
            continue
        found += [(route, method) for method in methods_of(pattern)]
    return found


def send(client: Client, route: str, method: str) -> Any:
    path = address(route, VALUES)
    if path in ("/v1/transcribe", "/v1/enhance-audio"):
        return client.post(path, {"file": SimpleUploadedFile("talk.wav", b""), "speakers": "none"})
    return getattr(client, method)(path, *([] if method == "get" else [{}, "application/json"]))


@pytest.fixture(autouse=True)
def unhurried(settings: Settings) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 100_000)


def test_every_address_says_what_it_needs() -> None:
    assert sorted(routes()) == sorted(NEEDS)


@pytest.mark.parametrize("scope", api_keys.SCOPES)
def test_a_key_opens_what_its_scope_opens_and_nothing_else(alice: User, scope: str) -> None:
    key = api_keys.create_key(alice, "one scope", [scope])[1]
    client = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)
    opened = {place for place in NEEDS if send(client, *place).status_code not in (401, 403)}
    assert opened == {place for place, needed in NEEDS.items() if needed in (scope, OPEN)}


def test_without_credentials_only_what_is_open_opens(db: None) -> None:
    client = Client(raise_request_exception=False)
    opened = {place for place in NEEDS if send(client, *place).status_code != 401}
    anonymous = ("v1/transcribe", "post")
    assert opened == {place for place, needed in NEEDS.items() if needed == OPEN} | {anonymous}
