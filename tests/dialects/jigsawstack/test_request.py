import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.services.access import Caller
from accounts.services.plans import Plan
from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.jigsawstack.request import (
    LARGEST_BATCH,
    LONGEST_CHUNK,
    PARAMETERS,
    Keep,
    Wish,
    parse,
    parse_keep,
    values_of,
)
from transcripts.services.submit import StoredUpload
from transcripts.uploads.received import Received

ADDRESS = "POST /v1/ai/transcribe"
NOBODY = Caller(None, None, "192.0.2.1", Plan("free", "Free", 1, 1, None, None))
FILE = StoredUpload(Path("x"), "x", 1, "")


def received(fields: dict[str, str] | None = None, document: Any = None, file: StoredUpload | None = FILE) -> Received:
    return Received({name: [value] for name, value in (fields or {}).items()}, file, NOBODY, document=document)


def wish_of(fields: dict[str, str] | None = None, document: Any = None, query: dict[str, str] | None = None) -> Wish:
    has_file = document is None
    return parse(values_of(received(fields, document), query or {}, ADDRESS), has_file=has_file)


def refusal_of(values: dict[str, str], *, has_file: bool = True) -> str:
    with pytest.raises(ServiceError) as caught:
        parse(values, has_file=has_file)
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert "Nothing was charged" in caught.value.message or "true or false" in caught.value.message
    return caught.value.message


MEANT = {"language": "es", "by_speaker": True, "chunk_duration": 4.5, "word_timestamps": True, "batch_size": 12}
EXPECTED = Wish(Options(language="es", diarize=True), chunk_duration=4.5, word_timestamps=True)


def test_the_same_wish_in_every_encoding() -> None:
    texts = {name: json.dumps(value).strip('"') for name, value in MEANT.items()}
    assert wish_of(fields={"body": json.dumps(MEANT)}) == EXPECTED
    assert wish_of(fields=texts) == EXPECTED
    assert wish_of(query=texts) == EXPECTED
    by_url = wish_of(document={**MEANT, "url": "https://example.com/a.wav"})
    assert (by_url.url, by_url.options, by_url.chunk_duration) == ("https://example.com/a.wav", EXPECTED.options, 4.5)


@pytest.mark.parametrize("body", ["undefined", "", "null", "{}", " undefined "])
def test_options_that_were_not_given(body: str) -> None:
    assert wish_of(fields={"body": body}) == Wish(Options())


def test_what_the_body_says_wins_over_the_form_and_the_form_over_the_address() -> None:
    query, form, body = {"language": "de"}, {"language": "fr"}, {"language": "it"}
    assert wish_of(query=query).options.language == "de"
    assert wish_of(query=query, fields=form).options.language == "fr"
    assert wish_of(query=query, fields={**form, "body": json.dumps(body)}).options.language == "it"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, Options()),
        ({"language": "auto"}, Options()),
        ({"language": "Auto"}, Options()),
        ({"language": ""}, Options()),
        ({"language": "zh-TW"}, Options(language="zh")),
        ({"translate": True}, Options(task="translate")),
        ({"translate": True, "language": "auto"}, Options(task="translate")),
        ({"translate": True, "language": "de"}, Options(task="translate", translate_to="de")),
        ({"translate": False, "language": "de"}, Options(language="de")),
        ({"translate": None, "language": None}, Options()),
    ],
)
def test_what_language_means(given: dict[str, Any], options: Options) -> None:
    assert wish_of(fields={"body": json.dumps(given)}).options == options


def test_the_language_is_told_where_none_was_named() -> None:
    assert Wish(Options()).detects
    assert Wish(Options(task="translate")).detects
    assert not Wish(Options(language="en")).detects
    assert not Wish(Options(task="translate", translate_to="en")).detects


@pytest.mark.parametrize("values", [{"url": "u", "file_store_key": "k"}, {}])
def test_exactly_one_source(values: dict[str, str]) -> None:
    assert "exactly one" in refusal_of(values, has_file=False)
    assert "exactly one" in refusal_of({**values, "url": "u"}, has_file=True)


@pytest.mark.parametrize(
    "values",
    [
        {"chunk_duration": "16"},
        {"chunk_duration": "0"},
        {"chunk_duration": "-1"},
        {"chunk_duration": "nan"},
        {"chunk_duration": "inf"},
        {"chunk_duration": "three"},
        {"batch_size": "41"},
        {"batch_size": "0"},
        {"batch_size": "1.5"},
        {"by_speaker": "maybe"},
        {"stream": "true", "word_timestamps": "true"},
        {"stream": "true", "by_speaker": "true"},
        {"stream": "true", "webhook_url": "https://example.com/"},
    ],
)
def test_bad_values_name_their_field(values: dict[str, str]) -> None:
    assert any(name in refusal_of(values) for name in values)


@given(st.floats(0, LONGEST_CHUNK, exclude_min=True), st.integers(1, LARGEST_BATCH))
def test_every_value_in_range_is_taken(chunk: float, batch: int) -> None:
    assert wish_of(fields={"body": json.dumps({"chunk_duration": chunk, "batch_size": batch})}).chunk_duration == chunk


@pytest.mark.parametrize("body", ["{", "[1]", "3", '"en"', '{"language": ["en"]}', '{"url": {}}', "[" * 5000])
def test_what_is_no_object_of_plain_values_is_refused(body: str) -> None:
    with pytest.raises(ServiceError) as caught:
        wish_of(fields={"body": body})
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_what_nobody_knows_is_ignored() -> None:
    assert wish_of(fields={"body": '{"vad": true, "vad_threshold": [0.5], "colour": {}}', "model": "x"}) == Wish(
        Options()
    )


def test_a_file_to_keep() -> None:
    given: dict[str, Any] = {"key": "a/b.wav", "overwrite": True, "temp_public_url": True, "content_type": "audio/wav"}
    for got in (received({"body": json.dumps(given)}), received({"body": "undefined"})):
        values = values_of(got, {}, "POST /v1/store/file")
        assert set(values) <= set(PARAMETERS["POST /v1/store/file"])
    assert parse_keep(values_of(received({"body": json.dumps(given)}), {}, "POST /v1/store/file")) == Keep(**given)
    assert parse_keep({}) == Keep()
