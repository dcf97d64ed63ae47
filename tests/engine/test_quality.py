"""The judges of a text, and the way from heard words to segments. Pure functions: examples and properties."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocols import Window
from engine.quality import (
    OUTSIDE,
    coverage,
    echoes,
    inspect,
    is_loop,
    uncovered,
    without_loops,
    without_unspoken,
)
from engine.types import SAMPLE_RATE, Segment, Span, Word
from engine.vad import overlap, total
from engine.words import Heard, Scores, in_order, snapped, to_segments


def segment(text: str, start: float, pace: float = 0.3, *, logprob: float = -0.2, no_speech: float = 0.0) -> Segment:
    words = tuple(
        Word(word, start + index * pace, start + (index + 1) * pace, 0.9) for index, word in enumerate(text.split())
    )
    return Segment(start, words[-1].end, text, words, avg_logprob=logprob, no_speech_prob=no_speech)


def reasons(segments: Sequence[Segment], speech: Sequence[Span], prompt: str | None = None) -> list[str]:
    return [span.reason for span in inspect(segments, speech, prompt).spans]


SENTENCE = "Please open the small window and close the red door."


def test_good_text_is_not_doubted() -> None:
    assert reasons([segment(SENTENCE, 1.0)], [Span(1.0, 4.0)]) == []


def test_speech_without_words_is_named_with_its_place() -> None:
    verdict = inspect([segment("Open the door.", 0.0)], [Span(0.0, 0.9), Span(3.0, 5.5)])
    assert verdict.spans == (Span(3.0, 5.5, "no_words"),)


def test_a_word_stretched_over_missed_speech_does_not_hide_it() -> None:
    stretched = Segment(0.0, 9.0, "Yes.", (Word("Yes.", 0.0, 9.0, 0.9),))
    assert reasons([stretched], [Span(0.0, 9.0)]) == ["no_words"]


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("Ana " * 40, True),
        ("thank you for watching " * 12, True),
        ("no no no no no", False),
        ("One two three four five six seven eight nine ten.", False),
        (SENTENCE * 2, False),
        ("", False),
    ],
)
def test_loops_are_told_from_emphasis(text: str, loop: bool) -> None:
    assert is_loop(text) is loop


def test_a_loop_is_suspect_and_kept_once() -> None:
    looping = [segment("Open the door and go and go and go and go and go and go and go.", 0.0)]
    assert "loop" in reasons(looping, [Span(0.0, 5.0)])
    assert without_loops(looping)[0].text == "Open the door and go"


def test_a_loop_over_what_is_hardly_speech_is_dropped_whole() -> None:
    assert without_loops([segment("Ana " * 12, 0.0, no_speech=0.67)]) == ()


def test_too_many_words_for_the_time() -> None:
    assert reasons([segment(SENTENCE, 0.0, pace=0.05)], [Span(0.0, 0.4)]) == ["word_rate"]


def test_a_low_score_is_suspect() -> None:
    assert reasons([segment(SENTENCE, 0.0, logprob=-1.4)], [Span(0.0, 3.0)]) == ["low_score"]


def test_an_echo_of_the_prompt() -> None:
    prompt = "Glossary: open the small window, please."
    assert echoes("open the small window", prompt)
    assert not echoes("open the window", prompt)
    assert not echoes("small window", prompt)
    assert not echoes("open the small window", None)
    assert reasons([segment("Open the small window", 0.0)], [Span(0.0, 1.2)], prompt) == ["prompt_echo"]


def test_words_outside_speech_are_dropped_and_the_segment_shrinks() -> None:
    spoken = segment("one two three four", 1.0, pace=1.0)
    [kept] = without_unspoken([spoken], [Span(1.5, 2.6)])
    assert (kept.text, kept.start, kept.end) == ("one two", 1.0, 3.0)
    assert without_unspoken([spoken], [Span(8.0, 9.0)]) == ()
    assert without_unspoken([spoken], []) == ()


def test_what_the_model_takes_for_silence_is_dropped() -> None:
    assert without_unspoken([segment("Thank you.", 0.0, logprob=-1.3, no_speech=0.9)], [Span(0.0, 1.0)]) == ()


@pytest.mark.parametrize(
    "credit", ["Untertitel der Amara.org-Community", "Sous-titrage ST' 501", "字幕由Amara.org社区提供", "Altyazı M.K."]
)
def test_the_credits_of_subtitles_are_never_speech(credit: str) -> None:
    assert without_unspoken([segment(credit, 0.0)], [Span(0.0, 3.0)]) == ()


def test_a_farewell_passes_only_where_the_model_is_sure() -> None:
    speech = [Span(0.0, 1.0)]
    sure = segment("Thanks for watching!", 0.0)
    assert without_unspoken([sure], speech) == (sure,)
    assert without_unspoken([segment("Thanks for watching!", 0.0, no_speech=0.5)], speech) == ()
    assert without_unspoken([segment("Vielen Dank fürs Zuschauen!", 0.0, logprob=-0.8)], speech) == ()
    assert without_unspoken([segment("ご視聴ありがとうございました", 0.0, pace=4.0)], speech) == ()
    talk = segment("Thanks for watching the door.", 0.0, no_speech=0.5)
    assert without_unspoken([talk], [Span(0.0, 2.0)]) == (talk,)


def test_a_word_gives_back_the_pause_it_swallowed() -> None:
    late = Segment(0.0, 2.0, "Open it", (Word("Open", 0.0, 1.5, 0.9), Word("it", 1.5, 2.0, 0.9)))
    [fixed] = snapped([late], [Span(1.0, 1.9)])
    assert (fixed.words[0].start, fixed.start, fixed.words[1].end) == (0.88, 0.88, 2.0)


def spans(draw: st.DrawFn, most: int = 6) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, 2000), min_size=2, max_size=most * 2)))
    return [Span(a / 50, b / 50) for a, b in zip(edges[::2], edges[1::2], strict=False)]


@st.composite
def speech_and_words(draw: st.DrawFn) -> tuple[list[Span], list[Segment]]:
    words = [Word("word", span.start, span.end, 0.5) for span in spans(draw)]
    return spans(draw), [Segment(word.start, word.end, word.text, (word,)) for word in words]


@given(speech_and_words())
def test_coverage_is_a_share_and_uncovered_speech_is_its_rest(both: tuple[list[Span], list[Segment]]) -> None:
    speech, segments = both
    missed = list(uncovered(segments, speech))
    assert 0.0 <= coverage(segments, speech) <= 1.0
    assert coverage(segments, speech) == pytest.approx(1 - total(missed) / total(speech))
    assert all(left.end <= right.start for left, right in pairwise(missed))
    assert all(overlap(span, speech) == pytest.approx(span.end - span.start) for span in missed)
    assert coverage([], speech) == 0.0


@given(speech_and_words())
def test_dropping_unspoken_words_never_costs_coverage_by_much(both: tuple[list[Span], list[Segment]]) -> None:
    speech, segments = both
    kept = without_unspoken(segments, speech)
    assert all(segment in segments for segment in kept)
    near = [Span(span.start - OUTSIDE, span.end + OUTSIDE) for span in speech]
    assert all(any(overlap(Span(s.start, s.end), [one]) > 0 for one in near) for s in kept)


times = st.floats(0.0, 40.0, allow_nan=False)
heard = st.lists(
    st.builds(Heard, st.sampled_from([" one", " 2,", " door.", "!", " "]), times, times, st.floats(0.0, 1.0)),
    max_size=60,
)


@given(heard, st.floats(0.0, 30.0))
def test_words_come_one_after_another_inside_the_window(words: list[Heard], duration: float) -> None:
    ordered = in_order(words, duration)
    assert all(0.0 <= word.start < word.end <= duration for word in ordered)
    assert all(left.end <= right.start for left, right in pairwise(ordered))
    assert len(ordered) == len(words) or len(words) > duration / 0.011 - 2


@st.composite
def windows(draw: st.DrawFn) -> Window:
    stretches = [Span(span.start * 4, span.end * 4) for span in spans(draw)]
    length = sum(round((span.end - span.start) * SAMPLE_RATE) for span in stretches)
    return Window(np.zeros(length, dtype=np.float32), tuple(stretches))


@given(windows(), heard)
def test_segments_lie_in_file_time_with_monotone_words(window: Window, words: list[Heard]) -> None:
    segments = to_segments(window, words, Scores(-0.1), "en", pause=1.0)
    placed = [word for segment in segments for word in segment.words]
    assert all(word.start < word.end for word in placed)
    assert all(left.end <= right.start for left, right in pairwise(placed))
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert segment.text == segment.text.strip()
        assert segment.text
    inside = [Span(span.start - 0.001, span.end + 0.001) for span in window.spans]
    assert all(any(span.start <= word.start and word.end <= span.end for span in inside) for word in placed)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([" Open", " it.", " Close", " it."], ["Open it.", "Close it."]),
        ([" Dr.", " Smith", " is", " here."], ["Dr. Smith is here."]),
        ([" J.", " Smith", " paid", " 3.50", " today?"], ["J. Smith paid 3.50 today?"]),
        (["今天", "很", "好。", "再见"], ["今天很好。", "再见"]),
    ],
)
def test_sentences(texts: list[str], expected: list[str]) -> None:
    words = [Heard(text, index * 0.3, index * 0.3 + 0.3, 1.0) for index, text in enumerate(texts)]
    window = Window(np.zeros(3 * SAMPLE_RATE, dtype=np.float32), (Span(10.0, 13.0),))
    assert [s.text for s in to_segments(window, words, Scores(0.0), "en", pause=1.0)] == expected


def test_a_pause_ends_a_segment() -> None:
    words = [Heard(" one", 0.0, 0.4, 1.0), Heard(" two", 1.6, 2.0, 1.0)]
    window = Window(np.zeros(3 * SAMPLE_RATE, dtype=np.float32), (Span(5.0, 8.0),))
    assert [s.text for s in to_segments(window, words, Scores(0.0), None, pause=1.0)] == ["one", "two"]
    assert [s.text for s in to_segments(window, words, Scores(0.0), None, pause=1.5)] == ["one two"]
