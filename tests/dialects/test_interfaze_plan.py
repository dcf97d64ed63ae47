"""Schemas that people send, against a transcript: what is filled, what is asked of nobody."""

from typing import Any

import pytest

from engine.types import Segment, Transcript, Word
from stt_site.lib import json_schema
from transcripts.api.dialects.interfaze.facts import Facts, Translation, facts_of
from transcripts.api.dialects.interfaze.plan import planned

TEXT = "Good morning. Hello there, how are you?"
LANGUAGES = {"en": "english", "fr": "french"}


def facts(**changes: Any) -> Facts:
    first = (Word("Good", 0.0, 0.4, 0.9), Word("morning.", 0.5, 1.0, 0.8))
    second = tuple(Word(text, 2.0 + at, 2.8 + at, 0.7) for at, text in enumerate(TEXT.split()[2:]))
    segments = (
        Segment(0.0, 1.0, " Good morning.", first, "Speaker 2", "en", -0.1),
        Segment(2.0, 8.0, " Hello there, how are you?", second, "Speaker 1", "en", -0.1),
    )
    transcript = Transcript(TEXT, "en", 0.99, 8.5, segments, "small", ("Speaker 1", "Speaker 2"))
    values = {"by_word": False, "diarized": True, "translated": False, **changes}
    return facts_of(transcript, languages=LANGUAGES, **values)


def shape(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


DOUBLING = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 4} for n in range(20)} | {"a20": {}}
STRING, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}


def filled(schema: dict[str, Any], **changes: Any) -> Any:
    plan = planned(json_schema.check(schema))
    assert plan.required == []
    value = plan.fill(facts(**changes), {})
    assert json_schema.problem(value, schema) is None
    return value


def test_the_usual_fields() -> None:
    schema = shape(
        {
            "text": STRING,
            "languageCode": STRING,
            "language_name": STRING,
            "duration": NUMBER,
            "duration_seconds": INTEGER,
            "durationMs": INTEGER,
            "number_of_speakers": INTEGER,
            "word_count": INTEGER,
        }
    )
    assert filled(schema) == {
        "text": TEXT,
        "languageCode": "en",
        "language_name": "english",
        "duration": 8.5,
        "duration_seconds": 8,
        "durationMs": 8500,
        "number_of_speakers": 2,
        "word_count": 7,
    }


def test_chunks_with_speakers_in_a_developer_s_own_shape() -> None:
    chunk = shape(
        {
            "id": INTEGER,
            "speaker_id": STRING,
            "text": STRING,
            "start_time": NUMBER,
            "end_time": STRING,
            "timestamp": {"type": "array", "items": NUMBER},
            "words": {"type": "array", "items": shape({"word": STRING, "start": NUMBER, "confidence": NUMBER})},
        }
    )
    value = filled(shape({"number_of_speakers": INTEGER, "chunks": {"type": "array", "items": chunk}}))
    assert [part["speaker_id"] for part in value["chunks"]] == ["SPEAKER_01", "SPEAKER_00", "SPEAKER_00"]
    assert value["number_of_speakers"] == len({part["speaker_id"] for part in value["chunks"]})
    assert value["chunks"][0] | {"words": []} == {
        "id": 0,
        "speaker_id": "SPEAKER_01",
        "text": "Good morning.",
        "start_time": 0.0,
        "end_time": "1.0",
        "timestamp": [0.0, 1.0],
        "words": [],
    }
    assert value["chunks"][0]["words"][1] == {"word": "morning.", "start": 0.5, "confidence": 0.8}
    assert [word["word"] for part in value["chunks"] for word in part["words"]] == TEXT.split()
    assert " ".join(part["text"] for part in value["chunks"]) == TEXT


def test_voices_turns_words_and_lines() -> None:
    value = filled(
        shape(
            {
                "speakers": {"type": "array", "items": STRING},
                "turns": {"type": "array", "items": shape({"speaker": INTEGER, "text": STRING, "end": NUMBER})},
                "words": {"type": "array", "items": STRING},
                "sentences": {"type": "array", "items": STRING},
            }
        )
    )
    assert value["speakers"] == ["SPEAKER_01", "SPEAKER_00"]
    assert value["turns"] == [
        {"speaker": 1, "text": "Good morning.", "end": 1.0},
        {"speaker": 0, "text": "Hello there, how are you?", "end": 8.0},
    ]
    assert value["words"] == TEXT.split()
    assert " ".join(value["sentences"]) == TEXT
    people = shape({"speakers": {"type": "array", "items": shape({"id": STRING})}})
    assert filled(people) == {"speakers": [{"id": "SPEAKER_01"}, {"id": "SPEAKER_00"}]}


def test_references_unions_constants_and_holders() -> None:
    held = shape({"transcript": STRING, "language": {"anyOf": [STRING, {"type": "null"}]}})
    fields = {
        "kind": {"const": "transcript"},
        "result": {"$ref": "#/$defs/held"},
        "summary": {"anyOf": [STRING, {"type": "null"}]},
        "mood": {"type": ["string", "null"]},
    }
    schema = shape(fields) | {"$defs": {"held": held}}
    assert filled(schema) == {
        "kind": "transcript",
        "result": {"transcript": TEXT, "language": "en"},
        "summary": None,
        "mood": None,
    }
    assert filled(shape({"text": STRING, "intent": STRING}, ["text"])) == {"text": TEXT}
    assert filled({"type": "array", "items": shape({"text": STRING})})[0] == {"text": "Good morning."}


def test_by_word_each_is_a_chunk() -> None:
    listed = shape({"chunks": {"type": "array", "items": STRING}})
    assert filled(listed, by_word=True)["chunks"] == TEXT.split()


@pytest.mark.parametrize(
    ("schema", "gaps"),
    [
        (shape({"text": STRING, "summary": STRING}), ["summary"]),
        (shape({"summary": shape({"text": STRING})}), ["summary"]),
        (shape({"text": {"type": "object"}}), ["text"]),
        (shape({"result": shape({"text": STRING, "intent": STRING})}), ["result.intent"]),
        (
            shape({"chunks": {"type": "array", "items": shape({"text": STRING, "sentiment": STRING})}}),
            ["chunks[].sentiment"],
        ),
        (shape({"result": STRING}), ["result"]),
        (shape({"result": {"type": "array", "items": STRING}}), ["result"]),
        (shape({"model": STRING, "name": STRING, "date": STRING}), ["model", "name", "date"]),
        (shape({"topics": {"type": "array", "items": STRING}}), ["topics"]),
        (shape({"text": NUMBER, "language": {"type": "boolean"}}), ["text", "language"]),
        ({"type": "boolean"}, ["result"]),
    ],
)
def test_what_takes_understanding_is_never_guessed(schema: dict[str, Any], gaps: list[str]) -> None:
    assert planned(json_schema.check(schema)).required == gaps


def test_answers_go_where_their_gaps_are() -> None:
    part = shape({"text": STRING, "sentiment": STRING})
    schema = shape({"chunks": {"type": "array", "items": part}, "summary": STRING})
    answers = {"chunks[].sentiment": ["calm", "kind", "curious"], "summary": "A greeting."}
    value = planned(schema).fill(facts(), answers)
    assert [item["sentiment"] for item in value["chunks"]] == answers["chunks[].sentiment"]
    assert value["summary"] == "A greeting."
    assert json_schema.problem(value, schema) is None


def test_what_a_schema_wants_of_the_work() -> None:
    assert planned(shape({"translated_text": STRING})).wants_translation
    assert planned(shape({"text": STRING, "chunks": {"type": "array", "items": STRING}})).originals == ["text"]
    held = shape({"result": shape({"translated_text": STRING})})
    assert (planned(held).wants_translation, planned(held).originals) == (True, [])
    spoken = shape({"chunks": {"type": "array", "items": shape({"speaker": STRING})}})
    assert planned(spoken).wants_speakers
    assert not planned(shape({"text": STRING})).wants_speakers


def test_a_translation_by_the_recogniser_has_no_original() -> None:
    made = facts(translated=True)
    assert (made.text, made.translation) == (None, Translation(TEXT, "en"))
    schema = shape({"translated_text": STRING, "translated_language_code": STRING, "original_language_code": STRING})
    assert planned(schema).fill(made, {}) == {
        "translated_text": TEXT,
        "translated_language_code": "en",
        "original_language_code": "en",
    }


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"type": "nothing"},
        {"$ref": "http://127.0.0.1/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"},
        {"allOf": [{"$ref": "#"}]},
        {"properties": {"a": {"$id": "http://elsewhere.example/"}}},
        {"properties": {"a": {"patternProperties": {"(a+)+$": {}}}}},
        {"$ref": "#/$defs/a0", "$defs": DOUBLING},
        {"enum": ["x" * 100_000]},
    ],
)
def test_schemas_that_lead_elsewhere_or_nowhere_are_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        json_schema.check(schema)


def test_a_pattern_made_to_take_years_takes_a_moment() -> None:
    schema = shape({"text": {"type": "string", "pattern": "^(a|a|aa)+$"}})
    assert "cannot be used" in (json_schema.problem({"text": "a" * 60 + "!"}, json_schema.check(schema)) or "")
    assert json_schema.problem({"text": "abC"}, shape({"text": {"type": "string", "pattern": "^[a-c]+[A-Z]$"}})) is None
