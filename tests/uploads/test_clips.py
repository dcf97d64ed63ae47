"""Short recordings in text fields of a form, as data URLs."""

import base64
import random

import pytest

from accounts.services import limits
from accounts.services.access import Caller
from accounts.services.plans import plan_of
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.dialects.examples import BOUNDARY, multipart
from tests.transcripts.conftest import data_dir  # noqa: F401
from transcripts import incoming
from transcripts.uploads.form import KEPT_CLIP_BYTES, MAX_CLIP_BYTES, MAX_CLIPS, Form

SOUND = random.Random(2).randbytes(150_000)
CLIP = "data:audio/wav;base64," + base64.b64encode(SOUND).decode()
CALLER = Caller(None, None, "192.0.2.7", plan_of(None))


def form() -> Form:
    return Form(
        BOUNDARY.encode(),
        frozenset({"file"}),
        1000,
        lambda: limits.file_too_large(CALLER),
        frozenset({"clip", "clip[]"}),
    )


def fed(reader: Form, fields: dict[str, str | list[str]], step: int = 4096) -> Form:
    body, _ = multipart(b"RIFF", fields)
    for at in range(0, len(body), step):
        reader.feed(body[at : at + step])
    reader.close()
    return reader


@pytest.mark.parametrize("step", [7, 4096, 10**7])
def test_long_ones_go_to_disk_however_they_are_cut(step: int) -> None:
    reader = fed(form(), {"name": "Ann", "clip[]": [CLIP, "data:,short", CLIP]}, step)
    first, short, second = reader.fields["clip[]"]
    assert (reader.fields["name"], short) == (["Ann"], "data:,short")
    assert set(reader.clips) == {first, second}
    assert {reader.clips[token].path.read_bytes() for token in (first, second)} == {SOUND}
    reader.discard()
    assert not any(incoming.directory().iterdir())


@pytest.mark.parametrize(
    "values",
    [
        ["x" * (KEPT_CLIP_BYTES + 1)],
        ["data:audio/wav;base64," + "A" * MAX_CLIP_BYTES],
        ["data:audio/wav;base64," + "!" * (KEPT_CLIP_BYTES + 1)],
        [CLIP] * (MAX_CLIPS + 1),
        ["data:,short" * 1000] * 100,
    ],
    ids=["no data URL", "too long", "no base64", "too many", "too many short ones"],
)
def test_what_is_none_is_refused_and_leaves_nothing(values: list[str]) -> None:
    reader = form()
    with pytest.raises(ServiceError) as refused:
        fed(reader, {"clip": values})
    assert refused.value.code is ErrorCode.INVALID_REQUEST
    reader.discard()
    assert not any(incoming.directory().iterdir())


def test_other_fields_have_no_room_for_them() -> None:
    reader = form()
    with pytest.raises(ServiceError):
        fed(reader, {"note": "x" * 300_000})
    reader.discard()
