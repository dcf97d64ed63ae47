"""Turns laid over words."""

from dataclasses import replace

import pytest

from engine.align import with_speakers
from engine.types import Segment, Transcript, Turn, Word


def segment(text: str, start: float, per_word: float = 0.5) -> Segment:
    times = [start + at * per_word for at in range(len(text.split()) + 1)]
    words = tuple(Word(word, times[at], times[at + 1], 0.9) for at, word in enumerate(text.split()))
    return Segment(start, words[-1].end, text, words, language="en", tokens=(1, 2, 3))


def transcript(*segments: Segment) -> Transcript:
    return Transcript(" ".join(one.text for one in segments), "en", 1.0, 60.0, segments, "m")


def said(result: Transcript) -> list[tuple[str | None, str]]:
    return [(one.speaker, one.text) for one in result.segments]


FOUR = segment("one two three four", 0.0, 1.0)


def test_a_segment_parts_where_the_speaker_changes() -> None:
    question = transcript(segment("How are you? Fine, thanks.", 0.0))
    result = with_speakers(question, [Turn(0.0, 1.5, "x"), Turn(1.5, 2.5, "y")])
    assert said(result) == [("x", "How are you?"), ("y", "Fine, thanks.")]
    assert result.text == question.text
    assert [(one.start, one.end) for one in result.segments] == [(0.0, 1.5), (1.5, 2.5)]
    assert result.speakers == ("x", "y")


def test_text_without_spaces_is_cut_and_not_respelled() -> None:
    words = tuple(Word(char, at, at + 1.0, 0.9) for at, char in enumerate("你好谢谢"))
    spoken = transcript(Segment(0.0, 4.0, "你好，谢谢", words))
    result = with_speakers(spoken, [Turn(0.0, 2.0, "x"), Turn(2.0, 4.0, "y")])
    assert said(result) == [("x", "你好，"), ("y", "谢谢")]


def test_a_short_word_in_between_changes_nothing() -> None:
    turns = [Turn(0.0, 0.5, "x"), Turn(0.5, 0.7, "y"), Turn(0.7, 3.0, "x")]
    result = with_speakers(transcript(segment("one two three four", 0.0, 0.25)), turns)
    assert said(result) == [("x", "one two three four")]


def test_a_word_where_two_speak_is_whose_it_mostly_is() -> None:
    result = with_speakers(transcript(FOUR), [Turn(0.0, 2.0, "x"), Turn(1.4, 4.0, "y")])
    assert said(result) == [("x", "one two"), ("y", "three four")]


def test_exclusive_turns_are_believed_over_overlapping_ones() -> None:
    both = [Turn(0.0, 4.0, "x"), Turn(0.0, 4.0, "y")]
    alone = [Turn(0.0, 2.0, "y"), Turn(2.0, 4.0, "x")]
    result = with_speakers(transcript(FOUR), both, alone)
    assert said(result) == [("y", "one two"), ("x", "three four")]
    assert len(result.turns) == 2


def test_speakers_are_numbered_by_their_first_words_and_names_stay() -> None:
    turns = [Turn(0.0, 1.0, "Speaker 7"), Turn(2.0, 3.0, "Ana"), Turn(5.0, 6.0, "Speaker 3")]
    result = with_speakers(transcript(segment("no", 2.2), segment("yes", 5.2)), turns)
    assert said(result) == [("Ana", "no"), ("Speaker 1", "yes")]
    assert result.speakers == ("Ana", "Speaker 1", "Speaker 2")
    assert [turn.speaker for turn in result.turns] == ["Speaker 2", "Ana", "Speaker 1"]


def test_a_word_in_silence_is_whose_turn_is_nearest() -> None:
    turns = [Turn(0.0, 1.0, "x"), Turn(2.0, 3.0, "y")]
    result = with_speakers(transcript(segment("first", 0.2), segment("late", 1.6, 0.3)), turns)
    assert said(result) == [("x", "first"), ("y", "late")]


@pytest.mark.parametrize(("words", "parts"), [(FOUR.words, 2), ((), 1)])
def test_without_word_times_a_segment_has_one_speaker(words: tuple[Word, ...], parts: int) -> None:
    given = transcript(replace(FOUR, words=words))
    result = with_speakers(given, [Turn(0.0, 1.0, "x"), Turn(1.0, 4.0, "y")])
    assert len(result.segments) == parts
    assert result.segments[-1].speaker == "y"


def test_nothing_heard_means_no_labels() -> None:
    assert with_speakers(transcript(FOUR), []) == transcript(FOUR)
