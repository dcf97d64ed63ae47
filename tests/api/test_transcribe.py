"""POST /v1/transcribe with an engine that says what it is told to."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import ledger
from engine.errors import MediaError
from engine.types import Segment, Transcript, Word
from stt_site.lib.errors import ServiceError
from tests.api.conftest import transcribe
from tests.transcripts.stand_ins import StandInEngine
from transcripts.api.dialects.base import TranscriptionOrder
from transcripts.api.dialects.stt_ai.request import PARAMETERS, parse
from transcripts.api.dialects.stt_ai.response import as_file, as_json
from transcripts.models import Job, Media
from transcripts.models import Transcript as Row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


def test_a_program_gets_text_segments_and_words(keyed: Client) -> None:
    answer = transcribe(keyed)
    assert answer.status_code == 200
    body = answer.json()
    assert body["text"] == "chunk 0 chunk 1 chunk 2"
    assert body["language"] == "en"
    assert body["duration"] == 30.0
    assert body["speakers"] == []
    assert body["segments"][1] == {
        "start": 10.0,
        "end": 20.0,
        "text": "chunk 1",
        "confidence": 0.8187,
        "words": [{"word": "chunk", "start": 10.0, "end": 11.0}, {"word": "1", "start": 11.0, "end": 12.0}],
    }
    assert body["model"] == answer.headers["X-Model"] == "stand-in"
    assert body["coverage"] == 1.0
    assert [notice["code"] for notice in body["warnings"]] == ["speaker_labels_unavailable"]
    assert Row.objects.get(public_id=body["transcript_id"]).text == body["text"]


def test_without_diarisation_nothing_is_said_about_speakers(keyed: Client) -> None:
    body = transcribe(keyed, diarize="no").json()
    assert body["warnings"] == []
    assert body["speakers"] == []


def test_a_minute_begun_is_a_minute_charged(keyed: Client, alice: User, engine: StandInEngine) -> None:
    before = ledger.balance(alice).available_mc
    transcribe(keyed)
    assert before - ledger.balance(alice).available_mc == 1000
    engine.chunks, engine.info = 7, replace(engine.info, duration=70.0)
    transcribe(keyed)
    assert before - ledger.balance(alice).available_mc == 3000


def test_an_anonymous_result_is_given_once_and_kept_nowhere(anonymous: Client) -> None:
    answer = transcribe(anonymous)
    assert answer.status_code == 200
    assert "transcript_id" not in answer.json()
    assert not Row.objects.exists()
    assert not Media.objects.exists()


def test_three_a_day_without_an_account(anonymous: Client) -> None:
    assert [transcribe(anonymous).status_code for _ in range(3)] == [200, 200, 200]
    fourth = transcribe(anonymous)
    assert fourth.status_code == 429
    assert 0 < int(fourth.headers["Retry-After"]) <= 86_401
    assert list(fourth.json()) == ["error"]


def test_a_bad_key_is_never_taken_for_no_key(anonymous: Client) -> None:
    for headers in ({"Authorization": "Bearer stt_live_x"}, {"X-Api-Key": "stt_live_x"}):
        answer = anonymous.post("/v1/transcribe", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not Job.objects.exists()


def test_without_credits_the_engine_is_never_asked(keyed: Client, alice: User, engine: StandInEngine) -> None:
    ledger.reserve(alice, "job:0", ledger.balance(alice).available_mc)
    answer = transcribe(keyed)
    assert answer.status_code == 402
    assert "No credits" in answer.json()["error"]
    assert engine.options == []


def test_text_is_the_same_by_both_names(keyed: Client) -> None:
    first, second = (transcribe(keyed, response_format=name) for name in ("txt", "text"))
    assert first.content == second.content == b"chunk 0 chunk 1 chunk 2\n"
    assert first.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert first.headers["X-Model"] == "stand-in"


def test_subtitles_come_as_subtitles(keyed: Client) -> None:
    srt = transcribe(keyed, response_format="srt")
    assert srt.headers["Content-Type"] == "application/x-subrip"
    assert srt.content.decode().startswith("1\n00:00:")
    assert "," in srt.content.decode().splitlines()[1]
    vtt = transcribe(keyed, response_format="vtt")
    assert vtt.headers["Content-Type"] == "text/vtt"
    assert vtt.content.decode().splitlines()[0] == "WEBVTT"
    assert b"AI-generated" not in srt.content + vtt.content


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"response_format": "docx"}, "json, txt, srt or vtt"),
        ({"model": "gigantic"}, "large-v3-turbo, large-v3, medium, small"),
        ({"language": "xx"}, "/v1/languages"),
        ({"speakers": "-1"}, "speakers"),
        ({"speakers": "abc"}, "speakers"),
        ({"speakers": "51"}, "speakers"),
        ({"diarize": "maybe"}, "diarize"),
    ],
)
def test_a_bad_value_is_refused_and_costs_nothing(
    keyed: Client, alice: User, engine: StandInEngine, fields: dict[str, str], says: str
) -> None:
    before = ledger.balance(alice)
    answer = transcribe(keyed, **fields)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert ledger.balance(alice) == before
    assert engine.options == []
    assert not Media.objects.exists()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"language": "auto"}, None),
        ({"language": ""}, None),
        ({"language": "en"}, "en"),
        ({"language": "jv"}, "jw"),
        ({"language": "JW"}, "jw"),
    ],
)
def test_a_language_reaches_the_engine_in_its_spelling(
    keyed: Client, engine: StandInEngine, fields: dict[str, str], expected: str | None
) -> None:
    assert transcribe(keyed, **fields).status_code == 200
    assert engine.options[0].language == expected


@pytest.mark.parametrize("model", ["", "small", "whisper-1", "gpt-4o-transcribe"])
def test_a_model_of_another_vendor_is_a_wish(keyed: Client, engine: StandInEngine, model: str) -> None:
    assert transcribe(keyed, model=model).status_code == 200
    assert engine.options[0].model == (model or None)


def test_unknown_fields_are_ignored(keyed: Client) -> None:
    assert transcribe(keyed, temperature="0.3", new_thing="1").status_code == 200


def test_no_file_says_so(keyed: Client) -> None:
    answer = keyed.post("/v1/transcribe", {"model": "small"})
    assert answer.status_code == 400
    assert "`file`" in answer.json()["error"]


@pytest.mark.parametrize("code", ["empty_file", "unsupported_media", "no_audio_stream", "decode_failed"])
def test_a_file_that_cannot_be_read_is_the_callers_error(keyed: Client, engine: StandInEngine, code: str) -> None:
    engine.probe_error = MediaError(code)
    answer = transcribe(keyed)
    assert answer.status_code == 400
    assert "Nothing was charged" in answer.json()["error"]
    assert not Media.objects.exists()


def test_a_file_found_bad_while_decoding_costs_nothing(keyed: Client, alice: User, engine: StandInEngine) -> None:
    def fail(on_event: Any, resumed: int) -> None:
        raise MediaError("decode_failed")

    before = ledger.balance(alice)
    engine.script = fail
    answer = transcribe(keyed)
    assert answer.status_code == 400
    assert ledger.balance(alice) == before


def test_the_unforeseen_is_json_with_a_number_to_ask_about(
    keyed: Client, engine: StandInEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.probe_error = RuntimeError("the secret inside")
    answer = transcribe(keyed)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.json()["error"]
    assert "secret" not in answer.content.decode()
    assert any(record.exc_info and "secret" in str(record.exc_info[1]) for record in caplog.records)


def test_other_methods_are_refused_in_the_same_shape(keyed: Client) -> None:
    answer = keyed.get("/v1/transcribe")
    assert answer.status_code == 405
    assert list(answer.json()) == ["error"]


def turns() -> Transcript:
    def said(start: float, text: str, speaker: str) -> Segment:
        return Segment(start, start + 1, text, (Word(text, start, start + 1, 0.9),), speaker=speaker)

    segments = (said(0, "Hello.", "Speaker 1"), said(1, "Still me.", "Speaker 1"), said(2, "And me.", "Speaker 2"))
    return Transcript("Hello. Still me. And me.", "en", 1.0, 3.0, segments, "m", speakers=("Speaker 1", "Speaker 2"))


def test_speakers_are_named_where_they_are_known() -> None:
    order = parse(
        {},
    )
    body = as_json(turns(), order, None)
    assert [segment["speaker"] for segment in body["segments"]] == ["Speaker 1", "Speaker 1", "Speaker 2"]
    assert body["speakers"] == ["Speaker 1", "Speaker 2"]
    assert body["warnings"] == []
    without = as_json(turns(), parse({"diarize": ["false"]}), None)
    assert not any("speaker" in segment for segment in without["segments"])
    assert without["speakers"] == []


def test_plain_text_has_a_line_for_each_turn() -> None:
    def plain(order: TranscriptionOrder) -> bytes:
        return as_file(turns(), order, None)  # type: ignore[arg-type]

    assert plain(parse({"response_format": ["txt"]})) == b"Speaker 1: Hello. Still me.\nSpeaker 2: And me.\n"
    order = parse({"response_format": ["txt"], "diarize": ["0"]})
    assert plain(order) == b"Hello. Still me. And me.\n"


def test_every_field_that_is_documented_is_read() -> None:
    values = {"model": "m", "language": "de", "diarize": "0", "speakers": "2", "response_format": "srt"}
    values["channels"] = "speakers"
    order = parse({name: [value] for name, value in values.items()})
    assert set(values) | {"file"} == set(PARAMETERS["POST /v1/transcribe"])
    assert (order.options.model, order.options.language, order.diarize, order.speakers, order.format) == (
        "m",
        "de",
        False,
        2,
        "srt",
    )
    assert order.options.channels == "speakers"
    with pytest.raises(ServiceError, match="mix or speakers"):
        parse({"channels": ["left"]})


def test_an_answer_asks_the_database_no_more_than_it_must(keyed: Client, alice: User) -> None:
    """A ceiling, so that a query that slips in is noticed: each costs every request."""
    transcribe(keyed)
    with CaptureQueriesContext(connection) as asked:
        assert transcribe(keyed).status_code == 200
    assert len(asked) <= 80
