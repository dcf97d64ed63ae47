"""POST /stt with an engine that says what it is told to, and the shapes that only a hand-made transcript has."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.services import ledger, plans
from engine.types import Keyword, LanguageDetection, Notice, Segment, Transcript, Turn, Word
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.stand_ins import StandInEngine
from transcripts.api.dialects.sixtydb.errors import SixtyDbRefusal
from transcripts.api.dialects.sixtydb.request import parse
from transcripts.api.dialects.sixtydb.response import as_json
from transcripts.models import Job, Media

pytestmark = pytest.mark.django_db


def stt(client: Client, name: str = "file", **fields: Any) -> Any:
    return client.post("/stt", {name: SimpleUploadedFile("talk.wav", b"RIFF", "audio/wav"), **fields})


def spent(user: User, before: int) -> int:
    return before - ledger.balance(user).available_mc


def as_paid(user: User) -> None:
    ledger.grant(user, 100_000, actor="test", reason="a pack")
    assert plans.plan_of(user).id == "paid"


@pytest.fixture
def before(alice: User) -> int:
    return ledger.balance(alice).available_mc


@pytest.mark.usefixtures("worker")
class TestOverHttp:
    @pytest.mark.parametrize("name", ["file", "audio"])
    def test_101_102_a_recording_by_either_name(self, keyed: Client, engine: StandInEngine, name: str) -> None:
        answer = stt(keyed, name, language="en")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["text"] == "chunk 0 chunk 1 chunk 2"
        assert (body["language"], body["language_name"], body["languages"]) == ("en", "English", None)
        assert body["request_id"] == answer.headers["X-Request-Id"]
        assert answer.headers["X-Model"] == "stand-in"
        assert body["rtf"] == pytest.approx(body["processing_ms"] / (1000 * body["duration_sec"]), rel=0.01)
        assert body["words"][0] == body["segments"][0]["words"][0] == {"word": "chunk"}
        assert (body["warnings"], body["warning_codes"]) == ([], [])
        assert (engine.options[0].language, engine.options[0].min_snr_db) == ("en", -5.0)
        assert not engine.options[0].code_switching

    def test_a_file_under_both_names_is_refused(self, keyed: Client) -> None:
        files = {name: SimpleUploadedFile("talk.wav", b"RIFF") for name in ("file", "audio")}
        answer = keyed.post("/stt", files)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "VALIDATION_ERROR")
        assert not Media.objects.exists()

    @pytest.mark.parametrize("fields", [{}, {"language": "auto"}, {"language": ""}])
    def test_103_without_a_language_each_stretch_is_listened_to(
        self, keyed: Client, engine: StandInEngine, fields: dict[str, str]
    ) -> None:
        body = stt(keyed, **fields).json()
        assert body["language_source"] == body["language_detection"]["mode"] == "lid_per_segment"
        assert (engine.options[0].language, engine.options[0].code_switching) == (None, True)

    def test_104_105_words_have_what_was_asked_for(self, keyed: Client) -> None:
        assert stt(keyed, return_timestamps="none").json()["words"][1] == {"word": "0"}
        with_times = stt(keyed, return_timestamps="word").json()["words"][1]
        assert with_times == {"word": "0", "start": 1.0, "end": 2.0}
        assert stt(keyed, include_confidence="true").json()["words"][1] == {"word": "0", "confidence": 0.8}
        assert stt(keyed, return_timestamps="foo").status_code == 400

    def test_106_speakers_cost_thirty_per_cent(
        self, keyed: Client, alice: User, engine: StandInEngine, before: int
    ) -> None:
        engine.diarizer = "stand-in"
        segments = stt(keyed, diarize="true", min_speakers="-3", max_speakers="0").json()["segments"]
        assert segments[0]["speakers"] == [{"speaker": "SPEAKER_00", "start": 0.0, "end": 10.0}]
        assert (engine.options[0].min_speakers, engine.options[0].max_speakers) == (None, None)
        assert spent(alice, before) == 650
        assert "speakers" not in stt(keyed, max_speakers="many").json()["segments"][0]
        assert spent(alice, before) == 650 + 500

    def test_speakers_that_nobody_told_apart_are_not_paid_for(self, keyed: Client, alice: User, before: int) -> None:
        body = stt(keyed, diarize="true").json()
        assert body["warning_codes"] == ["speaker_labels_unavailable"]
        assert body["segments"][0]["speakers"] == []
        assert spent(alice, before) == 500

    def test_109_context_on_the_free_plan_is_left_out(self, keyed: Client, engine: StandInEngine) -> None:
        body = stt(keyed, context="A talk about boats.").json()
        assert body["warning_codes"] == ["llm_refinement_not_in_plan"]
        assert body["warnings"][0]["affected_segments"] == []
        assert engine.options[0].context == ()

    def test_context_on_the_paid_plan_is_a_hint(self, keyed: Client, alice: User, engine: StandInEngine) -> None:
        as_paid(alice)
        assert stt(keyed, context="A talk about boats.").json()["warning_codes"] == ["llm_refinement_not_in_plan"]
        assert engine.options[0].context == (("", "A talk about boats."),)

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"language": "ja"}, "UNSUPPORTED_LANGUAGE"),
            ({"languages": "en,xx"}, "UNSUPPORTED_LANGUAGE"),
            ({"language": "or"}, "UNSUPPORTED_LANGUAGE"),
            ({"keywords": "x:-1"}, "VALIDATION_ERROR"),
            ({"keywords": "x:heavy"}, "VALIDATION_ERROR"),
            ({"keywords": "a," * 1001}, "VALIDATION_ERROR"),
            ({"context": "a" * 4001}, "VALIDATION_ERROR"),
            ({"diarize": "maybe"}, "VALIDATION_ERROR"),
            ({"diarize": "1", "min_speakers": "three"}, "VALIDATION_ERROR"),
            ({"diarize": "1", "min_speakers": "3", "max_speakers": "2"}, "VALIDATION_ERROR"),
        ],
    )
    def test_a_bad_value_is_refused_and_costs_nothing(
        self, keyed: Client, alice: User, before: int, fields: dict[str, str], code: str
    ) -> None:
        answer = stt(keyed, **fields)
        assert answer.status_code == 400, answer.content
        assert answer.json()["error_code"] == code
        assert "Nothing was charged" in answer.json()["message"]
        assert spent(alice, before) == 0
        assert not Job.objects.exists()

    def test_113_no_credits_have_two_names(self, keyed: Client, alice: User, engine: StandInEngine) -> None:
        ledger.reserve(alice, "job:0", ledger.balance(alice).available_mc - 10)
        little = stt(keyed)
        assert (little.status_code, little.json()["error_code"]) == (402, "INSUFFICIENT_CREDITS")
        ledger.reserve(alice, "job:1", 10)
        none = stt(keyed)
        assert (none.status_code, none.json()["error_code"]) == (402, "ZERO_BALANCE")
        assert engine.options == []

    def test_a_recording_of_more_than_an_hour_is_refused(
        self, keyed: Client, engine: StandInEngine, alice: User, before: int
    ) -> None:
        engine.info = replace(engine.info, duration=3601.0)
        answer = stt(keyed)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "VALIDATION_ERROR")
        assert "1 hours" in answer.json()["message"]
        assert spent(alice, before) == 0

    def test_114_ten_megabytes_and_one_byte(self, keyed: Client) -> None:
        file = SimpleUploadedFile("talk.wav", bytes(10_000_001))
        answer = keyed.post("/stt", {"file": file})
        assert (answer.status_code, answer.json()["error_code"]) == (413, "PAYLOAD_TOO_LARGE")
        assert "10000000 bytes" in answer.json()["message"]


def test_115_the_languages(anonymous: Client) -> None:
    data = anonymous.get("/stt/languages").json()["data"]
    assert (len(data["languages"]), data["total"]) == (40, 39)
    assert data["languages"][0] == {"code": "auto", "name": "Auto-detect"}
    named = {one["code"]: one for one in data["languages"]}
    assert named["hi"]["native"] == "हिन्दी"
    assert (named["en"]["available"], named["or"]["available"]) == (True, False)


def test_the_one_model(anonymous: Client) -> None:
    [model] = anonymous.get("/stt/models").json()["data"]
    assert (model["id"], model["type"], model["languages"]) == ("60db-stt-v01", "stt", 38)


def test_an_unknown_address_answers_in_the_same_shape(anonymous: Client) -> None:
    answer = anonymous.post("/stt/voices")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_113_a_refusal_says_how_many_at_once() -> None:
    full = ServiceError(ErrorCode.CONCURRENCY_LIMIT, details={"limit": 2})
    assert SixtyDbRefusal().body(full)["details"] == {"limit": 2}
    assert SixtyDbRefusal().body(full)["error_code"] == "STT_CONCURRENCY_LIMIT"


def said(start: float, *words: Word, language: str = "en", **more: Any) -> Segment:
    text = " ".join(word.text for word in words)
    return Segment(start, start + len(words), text, words, language=language, **more)


def word(text: str, at: float = 0.0, original: str | None = None) -> Word:
    return Word(text, at, at + 1, 0.9, original)


def heard(*segments: Segment, duration: float = 30.0, **more: Any) -> Transcript:
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, "en", 1.0, duration, segments, "m", **more)


def shown(transcript: Transcript, **fields: str) -> dict[str, Any]:
    return as_json(transcript, parse({name: [value] for name, value in fields.items()}), "req_1", 0.3, [])


def test_107_a_boosted_word_says_what_it_was() -> None:
    body = shown(heard(said(0, word("Acme", original="akme"), word("sells"))), keywords="Acme:5")
    assert body["words"][0] == {"word": "Acme", "boosted": True, "original": "akme"}
    assert body["segments"][0]["text"] == body["text"] == "Acme sells"
    respelled = shown(heard(said(0, word("नमस्ते", original="namaste"))), script_correction="1", keywords="Acme")
    assert respelled["words"] == [{"word": "नमस्ते", "original": "namaste"}]


def test_108_weights_are_clamped_and_listed() -> None:
    order = parse({"keywords": ["x:50, Acme:5 ,off-side"]})
    assert order.options.keywords == (Keyword("x", 10.0), Keyword("Acme", 5.0), Keyword("off-side", 1.5))


def test_110_silence_has_no_language() -> None:
    body = shown(heard(warnings=(Notice("no_speech_detected", "Nobody spoke."),)), language="en")
    assert (body["text"], body["language"], body["language_name"]) == ("", None, None)
    assert body["warning_codes"] == ["no_speech_detected"]


def test_112_a_long_recording_says_which_chunk() -> None:
    long = heard(said(0, word("one"), chunk=0), said(95, word("two"), chunk=1), duration=120.0)
    body = shown(long)
    assert body["language_source"] == "long_audio_chunked"
    assert [segment["chunk_idx"] for segment in body["segments"]] == [0, 1]
    assert "chunk_idx" not in shown(heard(said(0, word("one"))))["segments"][0]


def test_several_languages_are_listed_in_order() -> None:
    detection = LanguageDetection("mixed", 3, (("es", 0.7), ("en", 0.2)))
    mixed = heard(said(0, word("hola"), language="es"), said(5, word("hello")), detection=detection)
    body = shown(mixed)
    assert (body["language_source"], body["languages"]) == ("mixed", ["es", "en"])
    assert body["segments"][0]["language_name"] == "Spanish"
    expected = {"mode": "mixed", "candidates": ["es", "en"], "segment_count": 2, "lid_calls": 3}
    assert body["language_detection"] == expected


def test_a_segment_lists_everybody_in_it() -> None:
    turns = (Turn(0.0, 1.5, "Speaker 1"), Turn(1.2, 9.0, "Maria"), Turn(20.0, 21.0, "Speaker 1"))
    both = heard(said(0, word("one"), word("two", 1)), speakers=("Speaker 1", "Maria"), turns=turns)
    assert shown(both, diarize="true")["segments"][0]["speakers"] == [
        {"speaker": "SPEAKER_00", "start": 0.0, "end": 1.5},
        {"speaker": "Maria", "start": 1.2, "end": 2},
    ]
