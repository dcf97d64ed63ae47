import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.conftest import data_dir  # noqa: F401
from transcripts.uploads.base64_file import decoded
from transcripts.uploads.json_body import KEPT_BYTES, MAX_INLINE, MAX_TEXT_BYTES, JsonBody, json_too_large

MOST = 400_000
SOUND = random.Random(1).randbytes(150_000)
ENCODED = base64.b64encode(SOUND).decode()


def body() -> JsonBody:
    return JsonBody(MOST, lambda: json_too_large(MOST))


def feed_all(reader: JsonBody, text: bytes, step: int = 1000) -> Any:
    for at in range(0, len(text), step):
        reader.feed(text[at : at + step])
    return reader.close()


def fed(text: bytes, step: int = 1000) -> tuple[Any, JsonBody]:
    reader = body()
    return feed_all(reader, text, step), reader


@pytest.mark.parametrize("step", [1, 3, 64, 65_537, 10**6])
@pytest.mark.parametrize("head", ["", "data:audio/wav;base64,", "DATA:audio/x;codecs=opus;base64,"])
def test_long_base64_goes_to_disk_however_it_is_cut(step: int, head: str) -> None:
    text = json.dumps({"a": ['say "hi" \\', head + ENCODED], "b": {"c": None, "é\u2028": "😀"}}).encode()
    document, reader = fed(text, step)
    token = document["a"][1]
    assert document == {"a": ['say "hi" \\', token], "b": {"c": None, "é\u2028": "😀"}}
    assert reader.inline[token].path.read_bytes() == SOUND
    assert reader.inline[token].size == len(SOUND)
    reader.discard()
    assert not reader.inline[token].path.exists()


@pytest.mark.parametrize("escape", ["\\/", "\\n", "\\r\\n"])
def test_escapes_of_other_encoders_are_no_part_of_the_sound(escape: str) -> None:
    encoded = (
        ENCODED.replace("/", "\\/")
        if escape == "\\/"
        else escape.join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76))
    )
    document, reader = fed(f'["{encoded}"]'.encode())
    assert reader.inline[document[0]].path.read_bytes() == SOUND


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(max_examples=60)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda x: st.lists(x) | st.dictionaries(TEXT, x)),
    st.integers(1, 40),
)
def test_short_documents_are_what_json_says(value: Any, step: int) -> None:
    assert fed(json.dumps(value).encode(), step)[0] == value


def test_a_text_may_speak_of_escapes() -> None:
    assert fed(json.dumps(["C:\\u0000"]).encode())[0] == ["C:\\u0000"]


def test_long_text_stays_text() -> None:
    prompt = "word " * (KEPT_BYTES // 4)
    assert fed(json.dumps([prompt, "data:"]).encode(), 999)[0] == [prompt, "data:"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a": "', ErrorCode.INVALID_REQUEST),
        (b"", ErrorCode.INVALID_REQUEST),
        (b'["\\ud800"]', ErrorCode.INVALID_REQUEST),
        (b'["\\u0000"]', ErrorCode.INVALID_REQUEST),
        (b'{"a": NaN}', ErrorCode.INVALID_REQUEST),
        (b"[" * 200_000, ErrorCode.INVALID_REQUEST),
        (b'"\xff\xfe"', ErrorCode.INVALID_REQUEST),
        (b'["' + b"A" * (MOST + 1) + b'"]', ErrorCode.FILE_TOO_LARGE),
        (b'["' + b"a b" * MAX_TEXT_BYTES + b'"]', ErrorCode.FILE_TOO_LARGE),
        (b"1," * MAX_TEXT_BYTES, ErrorCode.FILE_TOO_LARGE),
        (b'["data:audio/wav;base64,' + b"AAA\\u0041" * 20_000 + b'"]', ErrorCode.INVALID_REQUEST),
        (b'["' + b"A" * 100_000 + b"=" + b"A" * 8 + b'"]', ErrorCode.INVALID_REQUEST),
        (json.dumps(["A" * (KEPT_BYTES + 4)] * (MAX_INLINE + 1)).encode(), ErrorCode.INVALID_REQUEST),
    ],
    ids=str,
)
def test_what_is_refused_leaves_nothing(text: bytes, code: ErrorCode, data_dir: Path) -> None:  # noqa: F811
    reader = body()
    with pytest.raises(ServiceError) as refused:
        feed_all(reader, text)
    assert refused.value.code is code
    reader.discard()
    assert not list((data_dir / "incoming").glob("*"))


def test_short_base64_may_lack_its_padding() -> None:
    assert decoded("UklGRg", "a.wav").path.read_bytes() == b"RIFF"
    with pytest.raises(ServiceError):
        decoded("not base64!", "a.wav")
