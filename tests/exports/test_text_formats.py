import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Segment, Transcript
from tests.exports.spoken import META, dialogue, spoken
from transcripts.exports.base import DISCLOSURE, ExportOptions
from transcripts.exports.md import escape
from transcripts.exports.registry import render
from transcripts.exports.text import clean
from transcripts.exports.txt import transcribe_txt


def text_of(extension: str, transcript: Transcript, options: ExportOptions | None = None) -> str:
    return render(extension, transcript, META, options).body.decode()


def one_segment(text: str, speaker: str | None = None) -> Transcript:
    return Transcript(text, "en", 1.0, 3.0, (Segment(0.0, 2.0, text, speaker=speaker),), "m")


# --- txt


def test_txt_has_a_heading_for_each_turn() -> None:
    blocks = text_of("txt", dialogue("de")).split("\n\n")
    assert blocks[0] == DISCLOSURE
    assert blocks[1].startswith("Sprecher 1 [0:00]\nGuten Morgen zusammen, ")
    assert len(blocks) == 5


def test_txt_without_names_and_times_is_the_words_alone() -> None:
    options = ExportOptions(disclosure=False, speakers=False, timestamps=False)
    assert text_of("txt", spoken([("A", "Good morning.")], "en"), options) == "Good morning.\n"


def test_one_voice_is_told_in_paragraphs_at_pauses() -> None:
    transcript = spoken([(None, "The first thought."), (None, "The second thought.")], "en", pause=2.5)
    options = ExportOptions(disclosure=False, timestamps=False)
    assert text_of("txt", transcript, options) == "The first thought.\n\nThe second thought.\n"


def test_japanese_sentences_are_joined_without_a_space() -> None:
    assert "おはようございます。今日は" in text_of("txt", dialogue("ja"))


def test_the_plain_answer_names_each_turn_on_its_own_line() -> None:
    transcript = spoken([("Speaker 1", "Hello there."), ("Speaker 1", "Come in."), ("Speaker 2", "Thanks.")], "en")
    assert transcribe_txt(transcript) == "Speaker 1: Hello there. Come in.\nSpeaker 2: Thanks.\n"


def test_the_plain_answer_without_voices_is_the_text() -> None:
    transcript = spoken([(None, "Hello there."), (None, "Come in.")], "en", pause=9)
    assert transcribe_txt(transcript) == "Hello there. Come in.\n"


def test_the_plain_answer_to_silence_is_empty() -> None:
    assert transcribe_txt(Transcript("", None, 0.0, 2.0, (), "m")) == ""


# --- md


def test_md_has_the_title_and_marks_names() -> None:
    lines = text_of("md", dialogue("en")).splitlines()
    assert lines[0] == f"> {DISCLOSURE}"
    assert "# Monday call" in lines
    assert "**Speaker 1** `0:00`\\" in lines


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("5 * 5 = 25_000", "5 \\* 5 = 25\\_000"),
        ("<img src=x onerror=alert(1)>", "\\<img src=x onerror=alert(1)\\>"),
        ("[a](javascript:b)", "\\[a\\](javascript:b)"),
        ("AT&T &lt; `x`", "AT&T \\&lt; \\`x\\`"),
    ],
)
def test_md_shows_what_was_said_and_not_markup(said: str, written: str) -> None:
    assert escape(said) == written


# --- json


def test_json_holds_everything_under_stable_names() -> None:
    data = json.loads(text_of("json", dialogue("en")))
    assert data["ai_generated"] is True
    assert (data["schema"], data["version"]) == ("transcript", 1)
    assert set(data) == {
        "ai_generated", "schema", "version", "title", "slug", "created_at", "model", "language",
        "language_probability", "duration", "coverage", "text", "speakers", "segments", "suspect_spans", "warnings",
    }  # fmt: skip
    first = data["segments"][0]
    assert set(first) == {"order", "start", "end", "text", "speaker", "language", "confidence", "words"}
    assert first["words"][0] == {"word": "Good", "start": 0.5, "end": 0.74, "probability": 0.9}
    assert first["confidence"] == pytest.approx(0.8187, abs=1e-4)


def test_json_keeps_silent_about_its_origin_only_when_told_to() -> None:
    assert "ai_generated" not in json.loads(text_of("json", dialogue("en"), ExportOptions(disclosure=False)))


# --- csv


def rows_of(transcript: Transcript, options: ExportOptions | None = None) -> list[list[str]]:
    body = render("csv", transcript, META, options).body
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_csv_has_the_disclosure_the_columns_and_a_row_for_each_segment() -> None:
    rows = rows_of(dialogue("en"))
    assert rows[0] == [DISCLOSURE]
    assert rows[1] == ["order", "start", "end", "speaker", "text"]
    assert rows[2][:4] == ["0", "0.500", "5.320", "Speaker 1"]
    assert len(rows) == 2 + 5


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t=", "\r\n=", "\u00a0=", " =", "\x00=", "＝", "＋", "－", "＠"])
def test_no_csv_cell_can_start_a_formula(lead: str) -> None:
    row = rows_of(one_segment(f"{lead}cmd|' /C calc'!A0", speaker=f"{lead}HYPERLINK(1)"))[2]
    assert row[3][0] == "'"
    assert row[4][0] == "'"


@settings(max_examples=100)
@given(st.text(max_size=80), st.text(max_size=20))
def test_csv_reads_back_as_what_was_said(text: str, speaker: str) -> None:
    row = rows_of(one_segment(text, speaker))[2]
    assert row[4] in (clean(text), f"'{clean(text)}")
    assert row[3] in (clean(speaker), f"'{clean(speaker)}")
    assert len(row) == 5


def test_csv_leaves_names_out_when_asked_to() -> None:
    assert {row[3] for row in rows_of(dialogue("en"), ExportOptions(speakers=False))[2:]} == {""}


def test_an_edited_transcript_is_what_csv_tells() -> None:
    transcript = dialogue("en")
    first = replace(transcript.segments[0], text="Good evening.")
    assert rows_of(replace(transcript, segments=(first, *transcript.segments[1:])))[2][4] == "Good evening."
