import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.api.conftest import worker  # noqa: F401
from tests.transcripts.conftest import commits, data_dir, engine  # noqa: F401

ADDRESS = "/v1/ai/transcribe"
SOUND = b"RIFF"

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def fresh_cache(db: None) -> None:
    cache.clear()


@pytest.fixture
def jigsaw(alice_key: str) -> Client:
    """Alice's program, as JigsawStack's clients show their key."""
    return Client(headers={"x-api-key": alice_key}, raise_request_exception=False)


def as_form(
    client: Client,
    options: dict[str, Any] | None = None,
    sound: bytes = SOUND,
    headers: dict[str, str] | None = None,
) -> Any:
    """As the Python client sends bytes."""
    fields: dict[str, Any] = {"file": SimpleUploadedFile("file", sound)}
    if options is not None:
        fields["body"] = json.dumps(options)
    return client.post(ADDRESS, fields, headers=headers)
