import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Segment, Transcript
from tests.exports.parsers import parse_srt, parse_vtt
from tests.exports.spoken import DIALOGUES, META, dialogue, spoken
from transcripts.exports.base import DISCLOSURE, ExportOptions
from transcripts.exports.captions import cues
from transcripts.exports.registry import render
from transcripts.exports.text import clean

GOLDEN = Path(__file__).parent / "golden"
NASTY = "a & b <script>alert(1)</script> 00:00:01.000 --> 00:00:02.000 {\\an8}\r\n\r\n2\x00\x1b[0m end"


@pytest.mark.parametrize("extension", ["srt", "vtt"])
@pytest.mark.parametrize("language", DIALOGUES)
def test_the_captions_of_each_language_are_as_approved(extension: str, language: str) -> None:
    """To approve a change: look at the difference that REWRITE_GOLDEN=1 leaves in git."""
    body = render(extension, dialogue(language), META).body
    approved = GOLDEN / f"{language}.{extension}"
    if os.environ.get("REWRITE_GOLDEN"):
        approved.write_bytes(body)
    assert body == approved.read_bytes()


@pytest.mark.parametrize("language", DIALOGUES)
def test_both_formats_read_back_as_the_same_captions(language: str) -> None:
    transcript = dialogue(language)
    captions = cues(transcript)
    wanted = [(cue.start / 1000, cue.end / 1000, cue.text.split("\n")) for cue in captions]
    options = ExportOptions(speakers=False)
    for parsed in (
        parse_srt(render("srt", transcript, META, options).body),
        parse_vtt(render("vtt", transcript, META, options).body),
    ):
        assert [(cue.start, cue.end, cue.lines) for cue in parsed] == wanted


@settings(max_examples=25)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_whatever_was_said_reads_back_from_vtt(sentences: list[str]) -> None:
    transcript = lines_of(sentences)
    parsed = parse_vtt(render("vtt", transcript, META).body)
    shown = "".join(line.removeprefix("-") if len(cue.lines) > 1 else line for cue in parsed for line in cue.lines)
    said = "".join(clean(sentence) for sentence in sentences)
    assert shown.replace(" ", "").replace("-", "") == said.replace(" ", "").replace("-", "")


@settings(max_examples=25)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_whatever_was_said_leaves_srt_well_formed(sentences: list[str]) -> None:
    transcript = lines_of(sentences)
    parsed = parse_srt(render("srt", transcript, META).body)
    assert len(parsed) == len(cues(transcript, labels=True))


def lines_of(sentences: list[str]) -> Transcript:
    segments = tuple(Segment(float(i * 4), i * 4 + 3.0, sentence) for i, sentence in enumerate(sentences))
    return Transcript("", "en", 1.0, 4.0 * len(sentences), segments, "m")


def test_markup_and_arrows_are_inert_in_vtt() -> None:
    body = render("vtt", lines_of([NASTY]), META).body
    assert b"<script>" not in body
    assert b"&lt;script&gt;" in body
    assert body.count(b"-->") == len(parse_vtt(body))


def test_arrows_and_blank_lines_are_inert_in_srt() -> None:
    body = render("srt", lines_of([NASTY]), META).body
    assert body.count(b"-->") == len(parse_srt(body))


def test_a_voice_cannot_leave_its_tag() -> None:
    transcript = spoken([("Eve> --> <b>\n\nWEBVTT & Co", "Hello there, everybody.")], "en")
    [cue] = parse_vtt(render("vtt", transcript, META).body)
    assert cue.voices == ["Eve -- b WEBVTT & Co"]
    assert cue.lines == ["Hello there, everybody."]


def test_voices_are_tagged_in_vtt_and_named_in_srt() -> None:
    transcript = dialogue("de")
    voices = [voice for cue in parse_vtt(render("vtt", transcript, META).body) for voice in cue.voices]
    assert set(voices) == {"Sprecher 1", "Sprecher 2"}
    first = parse_srt(render("srt", transcript, META).body)[0]
    assert first.lines[0].startswith("Sprecher 1: ")


def test_word_times_rise_inside_their_cue() -> None:
    parsed = parse_vtt(render("vtt", dialogue("en"), META, ExportOptions(word_times=True)).body)
    assert sum(len(cue.word_times) for cue in parsed) > 20
    for cue in parsed:
        assert cue.word_times == sorted(set(cue.word_times))
        assert all(cue.start < stamp < cue.end for stamp in cue.word_times)


def test_vtt_says_that_a_machine_wrote_it_and_srt_only_when_asked() -> None:
    assert f"NOTE {DISCLOSURE}".encode() in render("vtt", dialogue("en"), META).body
    assert DISCLOSURE.encode() not in render("vtt", dialogue("en"), META, ExportOptions(disclosure=False)).body
    assert DISCLOSURE.encode() not in render("srt", dialogue("en"), META).body


def test_the_disclosure_in_srt_takes_room_before_the_first_words() -> None:
    late = dialogue("en")
    shifted = replace(late, segments=tuple(moved(segment, 3.0) for segment in late.segments), duration=90.0)
    parsed = parse_srt(render("srt", shifted, META, ExportOptions(disclosure=True)).body)
    assert parsed[0].lines == [DISCLOSURE]
    assert parsed[0].end <= parsed[1].start


def test_the_disclosure_in_srt_goes_last_where_speech_begins_at_once() -> None:
    parsed = parse_srt(render("srt", dialogue("en"), META, ExportOptions(disclosure=True)).body)
    assert parsed[-1].lines == [DISCLOSURE]
    assert parsed[-1].start >= parsed[-2].end


def moved(segment: Segment, by: float) -> Segment:
    words = tuple(replace(word, start=word.start + by, end=word.end + by) for word in segment.words)
    return replace(segment, start=segment.start + by, end=segment.end + by, words=words)


def test_right_to_left_marks_are_there_only_when_asked_for() -> None:
    plain = render("srt", dialogue("he"), META).body.decode()
    assert "\u202b" not in plain
    for cue in parse_srt(render("srt", dialogue("he"), META, ExportOptions(rtl_marks=True)).body):
        assert all(line.startswith("\u202b") and line.endswith("\u202c") for line in cue.lines)


@pytest.mark.parametrize("extension", ["srt", "vtt"])
def test_silence_is_a_valid_empty_file(extension: str) -> None:
    body = render(extension, Transcript("", None, 0.0, 5.0, (), "m"), META, ExportOptions(disclosure=False)).body
    assert body == (b"WEBVTT\n" if extension == "vtt" else b"")
