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
APIS = re.compile(r"(v1|api|stt|health|openapi)")
FALLBACKS = {r"^api/v1/.*[^/]$", r"^(?:v1|api)/", r"^stt/"}
OPEN = "open to all"

NEEDS: dict[tuple[str, str], str] = {
    ("health", "get"): OPEN,
    ("openapi.json", "get"): OPEN,
    ("v1/models", "get"): OPEN,
    ("v1/languages", "get"): OPEN,
    ("v1/models/<str:model>", "get"): OPEN,
    ("v1/transcribe", "post"): "transcribe",
    ("v1/ai/transcribe", "post"): "transcribe",
    ("v1/audio/transcriptions", "post"): "transcribe",
    ("v1/audio/translations", "post"): "transcribe",
    ("stt", "post"): "transcribe",
    ("stt/models", "get"): OPEN,
    ("stt/languages", "get"): OPEN,
    ("v1/enhance-audio", "post"): "transcribe",
    ("v1/store/file", "post"): "write",
    ("v1/store/file/read/<path:key>", "get"): "read",
    ("v1/store/file/read/<path:key>", "delete"): "delete",
    ("v1/store/public/<str:token>", "get"): OPEN,
    ("v1/tts", "post"): "transcribe",
    ("v1/summarize", "post"): "transcribe",
    ("v1/translate", "post"): "transcribe",
    ("v1/analyze", "post"): "transcribe",
    ("v1/generate", "post"): "transcribe",
    ("v1/embed", "post"): "transcribe",
    ("v1/stream/token", "post"): "stream",
    ("v1/chat/completions", "post"): "transcribe",
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
    ("api/v1/transcripts/<str:ref>/shares/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/shares/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/shares/<str:key>/", "delete"): "write",
    ("api/v1/streams/<str:session>/save/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/turns/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/turns/<int:turn>/", "patch"): "write",
    ("api/v1/transcripts/<str:ref>/turns/<int:turn>/split/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/turns/<int:turn>/merge/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/turns/<int:turn>/speaker/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/turns/<int:turn>/times/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/speakers/merge/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/replace/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/undo/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/history/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/history/<int:number>/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/history/<int:number>/restore/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/versions/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/versions/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/versions/<int:number>/restore/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/trash/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/restore/", "post"): "write",
    ("api/v1/transcripts/<str:ref>/chat/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/chat/", "post"): "read",
    ("api/v1/chat/", "get"): "read",
    ("api/v1/chat/", "post"): "read",
    ("api/v1/chat/<str:session>/", "get"): "read",
    ("api/v1/chat/<str:session>/", "delete"): "delete",
    ("api/v1/search/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/insights/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/audio/redacted/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/summarize/", "get"): "read",
    ("api/v1/transcripts/<str:ref>/summarize/", "post"): "read",
    ("api/v1/transcripts/<str:ref>/analyze/", "post"): "read",
    ("api/v1/transcripts/<str:ref>/generate/", "post"): "read",
    ("api/v1/transcripts/<str:ref>/translate/", "post"): "read",
    ("api/v1/transcripts/tags/", "get"): "read",
    ("api/v1/transcripts/trash/", "get"): "read",
    ("api/v1/transcripts/bulk/", "post"): "write",
    ("api/v1/transcripts/bulk/export/", "post"): "read",
    ("api/v1/transcripts/<str:ref>/redo/", "post"): "write",
    ("api/v1/usage/", "get"): "read",
}
NEEDS |= {
    (f"api/v1/webhooks/{path}", method): "webhooks"
    for path, methods in {
        "": ("get", "post"),
        "deliveries/": ("get",),
        "deliveries/<str:message>/": ("get",),
        "deliveries/<str:message>/resend/": ("post",),
        "<str:endpoint>/": ("get", "patch", "delete"),
        "<str:endpoint>/roll/": ("post",),
        "<str:endpoint>/test/": ("post",),
        "<str:endpoint>/replay/": ("post",),
    }.items()
    for method in methods
}
VALUES = {
    "<str:model>": "whisper-1",
    "<int:pk>": "999999",
    "<path:key>": "nothing",
    "<str:token>": "nothing",
    "<str:ref>": "nothing",
    "<str:key>": "nothing",
    "<str:session>": "nothing",
    "<str:export_format>": "txt",
    "<int:turn>": "0",
    "<int:number>": "1",
    "<str:endpoint>": "ep_nothing",
    "<str:message>": "msg_nothing",
}


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
