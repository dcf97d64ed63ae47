"""Whole words out of tokens: digits, marks, languages without spaces; and no word behind the end of the audio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocols import Window
from engine.types import SAMPLE_RATE, Span
from engine.words import Heard, Scores, snapped, to_segments, whole_words


def heard(*texts: str) -> list[Heard]:
    return [Heard(text, at * 0.2, at * 0.2 + 0.2, 0.8, (at,)) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((" In", " 198", "4", ","), [" In", " 1984,"]),
        ((" up", " 3", ".5", "%", "."), [" up", " 3.5%."]),
        ((" costs", " $", "5", ",000"), [" costs", " $5,000"]),
        ((" at", " 12", ":", "30"), [" at", " 12:30"]),
        ((" a", " twenty", "-five"), [" a", " twenty-five"]),
        ((" he", " said", ' "', "yes", '"', "."), [" he", " said", ' "yes".']),
        ((" ¿", "Qué", "?"), [" ¿Qué?"]),
        (("Hello", ",", " you"), ["Hello,", " you"]),
    ],
)
def test_words_as_people_read_them(pieces: tuple[str, ...], words: list[str]) -> None:
    whole = whole_words(heard(*pieces), spaced=True)
    assert [word.text for word in whole] == words
    assert [token for word in whole for token in word.tokens] == list(range(len(pieces)))


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (("今", "天", "很", "好", "。"), ["今", "天", "很", "好。"]),
        (("198", "4", "年"), ["1984", "年"]),
        (("涨", "3", ".", "5", "%", "了"), ["涨", "3.5%", "了"]),
        (("他", "说", "「", "好", "」"), ["他", "说", "「好」"]),
        (("用", " GP", "T", "写"), ["用", " GPT", "写"]),
    ],
)
def test_languages_without_spaces(pieces: tuple[str, ...], words: list[str]) -> None:
    assert [word.text for word in whole_words(heard(*pieces), spaced=False)] == words


def test_a_mark_takes_no_time_and_no_confidence() -> None:
    [word] = whole_words([Heard(" yes", 1.0, 1.4, 0.9), Heard(".", 1.4, 3.0, 0.1)], spaced=True)
    assert (word.start, word.end) == (1.0, 1.4)
    assert word.probability == pytest.approx(0.9)


PIECES = [" one", "two", " 3", ".5", "%", ",", " (", ")", "年", "好", "。", " ", "-", "4"]
times = st.floats(-1.0, 40.0, allow_nan=False)
tokens = st.lists(st.builds(Heard, st.sampled_from(PIECES), times, times, st.floats(0.0, 1.0)), max_size=40)


@given(tokens, st.booleans())
def test_no_letter_is_lost(pieces: list[Heard], spaced: bool) -> None:
    whole = whole_words(pieces, spaced=spaced)
    assert "".join(word.text for word in whole) == "".join(piece.text for piece in pieces)
    assert all(0.0 <= word.probability <= 1.0 for word in whole)


@given(tokens, st.integers(1600, 20 * SAMPLE_RATE), st.integers(0, 50), st.booleans())
def test_whatever_an_aligner_says_words_lie_inside_the_audio(
    pieces: list[Heard], length: int, before: int, spaced: bool
) -> None:
    start, end = before / 7, before / 7 + length / SAMPLE_RATE
    window = Window(np.zeros(length, dtype=np.float32), (Span(start, end),))
    segments = to_segments(window, whole_words(pieces, spaced=spaced), Scores(-0.1), "en", pause=1.0)
    at = 0.0
    for segment in snapped(segments, [Span(start, (start + end) / 2)]):
        for word in segment.words:
            assert at <= word.start < word.end <= end
            at = word.end
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert all(word.text in segment.text for word in segment.words)
