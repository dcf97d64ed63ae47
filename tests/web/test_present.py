from datetime import UTC, datetime, timedelta

import pytest

from engine.types import Segment, Span, Transcript, Word
from tests.web.rows import spoken
from transcripts.services.editing.turns import PARAGRAPH_CHARACTERS
from transcripts.web.present import Run, doubt, extracts, segment_words, status, turns, word_table
from transcripts.web.tags import clock, length

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def run(**changes: object) -> Run:
    values: dict[str, object] = {
        "state": "processing",
        "phase": "transcribing",
        "done": 0.0,
        "total": 100.0,
        "started": NOW,
        "words": 10,
        "warnings": frozenset(),
    }
    return Run(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words", "percent"),
    [
        ({"state": "pending"}, "Waiting", None),
        ({"state": "pending", "place": 1}, "Waiting (next)", None),
        ({"state": "pending", "place": 3}, "Waiting (3rd)", None),
        ({"state": "pending", "place": 112}, "Waiting (112th)", None),
        ({"state": "pending", "place": 121}, "Waiting (121st)", None),
        ({"phase": "finishing", "done": 100.0}, "Finding speakers", None),
        ({"state": "completed", "labelling": True}, "Ready, finding speakers", None),
        ({}, "Transcribing", None),
        ({"total": None, "done": 9.0}, "Transcribing", None),
        ({"phase": "fetching_model"}, "Fetching the model", None),
        ({"done": 40.0}, "Transcribing 40 %", 40),
        ({"done": 40.0, "started": NOW - timedelta(minutes=2)}, "Transcribing 40 % (about 3 min)", 40),
        ({"done": 130.0}, "Transcribing 100 %", 100),
        ({"done": 40.0, "stopping": True}, "Stopping", None),
        ({"state": "completed"}, "Ready", None),
        ({"state": "completed", "words": 0}, "No speech", None),
        ({"state": "failed", "error_code": "no_audio_stream"}, "Failed: no sound in the file", None),
        ({"state": "failed", "error_code": "something_new"}, "Failed", None),
        ({"state": "cancelled"}, "Cancelled", None),
    ],
)
def test_a_state_in_words(changes: dict[str, object], words: str, percent: int | None) -> None:
    shown = status(run(**changes), NOW)
    assert (shown.words, shown.percent) == (words, percent)


def test_a_turn_ends_with_its_speaker_its_language_or_a_pause() -> None:
    talk = [
        spoken("One.", 0, speaker="A", language="en"),
        spoken("Two.", 1, speaker="A", language="en"),
        spoken("Three.", 2, speaker="B", language="en"),
        spoken("Vier.", 3, speaker="B", language="de"),
        spoken("Fünf.", 30, speaker="B", language="de"),
    ]
    assert [[line.text for line in turn.lines] for turn in turns(talk)] == [
        ["One.", "Two."],
        ["Three."],
        ["Vier."],
        ["Fünf."],
    ]


def test_no_segment_is_lost_or_doubled_in_long_talk() -> None:
    talk = [spoken("Some words that are said again and again.", i * 4.0) for i in range(500)]
    found = turns(talk)
    assert [line.index for turn in found for line in turn.lines] == list(range(500))
    assert max(sum(len(line.text) for line in turn.lines) for turn in found) <= PARAGRAPH_CHARACTERS + 60


def test_speech_without_words_has_its_place_among_the_turns() -> None:
    talk = [spoken("Before.", 0), spoken("After.", 20)]
    assert [(turn.start, turn.unheard) for turn in turns(talk, [Span(8, 10), Span(0, 0.1)])] == [
        (0, False),
        (8, True),
        (20, False),
    ]


def unpacked(transcript: Transcript) -> list[str]:
    found = []
    for segment, row in zip(transcript.segments, word_table(segment_words(transcript)), strict=True):
        units, place = segment.text.encode("utf-16-le"), 0
        for at in range(0, len(row), 4):
            place += row[at + 2]
            found.append(units[place * 2 : (place + row[at + 3]) * 2].decode("utf-16-le"))
            place += row[at + 3]
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world.", ["Hello,", "world."]),
        ("你好世界。", ["你好", "世界。"]),
        ("so 🎉🎉 so", ["so", "🎉🎉", "so"]),
        ("the the the", ["the", "the", "the"]),
    ],
)
def test_a_word_is_found_in_its_text_in_the_units_of_a_browser(text: str, words: list[str]) -> None:
    timed = tuple(Word(word, i, i + 1, 1.0) for i, word in enumerate(words))
    assert unpacked(Transcript(text, "en", 1.0, 9, (Segment(0, 9, text, timed),), "base")) == words


def test_a_segment_without_words_is_one_and_a_word_that_is_not_in_the_text_is_nowhere() -> None:
    bare = Segment(1.0, 2.0, "No times here.")
    odd = Segment(3.0, 4.0, "ten percent", (Word("10", 3.0, 3.5, 1.0), Word("percent", 3.5, 4.0, 1.0)))
    assert unpacked(Transcript("", "en", 1.0, 9, (bare, odd), "base")) == ["No times here.", "", "percent"]


def test_the_least_sure_words_are_doubtful_and_those_where_the_run_had_doubts() -> None:
    said = [Word("word", i, i + 1, 0.5 + i / 1000) for i in range(100)]
    unsure = doubt(said, [Span(50, 52)])
    assert [word.start for word in said if word in unsure] == [0, 1, 50, 51]
    assert Word("corrected", 50, 51, 1.0) not in unsure


def test_a_snippet_shows_the_place_with_a_few_words_around_it() -> None:
    text = f"{'left ' * 40}Budget{' right' * 40}"
    (found,) = extracts(text, "budget")
    assert found.startswith("… left")
    assert "left Budget right" in found
    assert found.endswith("right …")
    assert list(extracts(text, "nothing")) == []
    assert list(extracts("short text", "text")) == ["short text"]


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (12.9, "0:12"), (3599, "59:59"), (3723, "1:02:03")])
def test_clock(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(("ms", "said"), [(None, ""), (12_400, "12 s"), (2_520_000, "42 min"), (4_360_000, "1:12:40")])
def test_length(ms: int | None, said: str) -> None:
    assert length(ms) == said
