"""New text for old speech: what stays, stays to the bit; what changes takes its own time and no other."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.types import Segment, Word
from tests.web.rows import spoken
from transcripts.services.editing.turns import cut, joined, pack, unpack
from transcripts.services.editing.words import atoms, compared, rewritten, tidy

TALK = (spoken("Good morning all.", 0.5), spoken("The brief is a remote.", 2.2))


def letters(text: str, start: float, **more: Any) -> Segment:
    """A segment of a script without spaces, a word a letter."""
    words = tuple(Word(letter, start + at, start + at + 1, 0.9) for at, letter in enumerate(text))
    return Segment(start, start + len(text), text, words, **more)


def said(segments: tuple[Segment, ...]) -> list[tuple[str, float, float, float]]:
    return [(w.text, w.start, w.end, w.probability) for segment in segments for w in segment.words]


def test_the_same_text_is_the_very_same() -> None:
    assert rewritten(TALK, " Good morning\u00a0all.  The brief is a remote. ") == TALK


def test_a_corrected_word_has_the_time_of_the_wrong_one_and_no_doubt() -> None:
    assert said(rewritten(TALK, "Good evening all. The brief is a remote."))[1] == ("evening", 0.9, 1.3, 1.0)


def test_more_words_share_the_time_by_their_length() -> None:
    changed = said(rewritten(TALK, "Good evening to all. The brief is a remote."))
    assert changed[1:3] == [("evening", 0.9, 1.211, 1.0), ("to", 1.211, 1.3, 1.0)]
    assert changed[0] == said(TALK)[0]
    assert changed[3:] == said(TALK)[2:]


def test_a_word_between_two_that_touch_takes_no_time_from_them() -> None:
    changed = said(rewritten(TALK, "Good morning all. The brief is a very remote."))
    assert changed[7] == ("very", 3.8, 3.8, 1.0)
    assert changed[8] == said(TALK)[7]


def test_words_at_the_edges_stay_within_the_turn() -> None:
    padded = (Segment(0.0, 3.0, TALK[0].text, TALK[0].words),)
    changed = said(rewritten(padded, "Very good: Good morning all. Indeed."))
    assert changed[:2] == [("Very", 0.0, 0.222, 1.0), ("good:", 0.222, 0.5, 1.0)]
    assert changed[-1] == ("Indeed.", 1.7, 3.0, 1.0)


def test_a_sentence_without_words_goes_and_an_empty_turn_keeps_its_time() -> None:
    (left,) = rewritten(TALK, "The brief is a remote.")
    assert left == TALK[1]
    (silent,) = rewritten(TALK, "")
    assert (silent.start, silent.end, silent.text, silent.words) == (0.5, 4.2, "", ())
    assert said(rewritten((silent,), "Hello there.")) == [("Hello", 0.5, 2.182, 1.0), ("there.", 2.182, 4.2, 1.0)]


def test_scripts_without_spaces() -> None:
    talk = (letters("你好，世界。", 1.0, language="zh"), letters("再见", 9.0, language="zh"))
    changed = rewritten(talk, "你好，大家。再见")
    assert joined(changed) == "你好，大家。再见"
    assert said(changed)[:3] == said(talk)[:3]
    assert said(changed)[3:] == [("大家。", 4.0, 7.0, 1.0), *said(talk)[6:]]
    thai = rewritten((letters("แมวกินปลา", 0.0, language="th"),), "หมากินปลา")
    assert said(thai)[-6:] == said((letters("แมวกินปลา", 0.0),))[-6:]
    assert all(0.0 <= start <= end <= 3.0 for _, start, end, _ in said(thai)[:-6])


def test_text_that_came_without_times_gets_none() -> None:
    (changed,) = rewritten((Segment(1.0, 5.0, "No times here"),), "No times at all here")
    assert (changed.text, changed.words, changed.start, changed.end) == ("No times at all here", (), 1.0, 5.0)


@pytest.mark.parametrize("count", range(9))
def test_parting_loses_no_word_and_no_time(count: int) -> None:
    left, right = cut(TALK, count)
    assert said((*left, *right)) == said(TALK)
    assert len(said(left)) == count
    assert tidy(f"{joined(left)} {joined(right)}") == joined(TALK)


def test_what_differs_can_be_shown() -> None:
    assert compared("Good morning all.", "Good evening to all.") == [
        ("=", "Good"),
        ("-", "morning"),
        ("+", "evening to"),
        ("=", "all."),
    ]


def texts(text: str) -> list[str]:
    return [atom.text for atom in atoms(text)]


VOCABULARY = ("a", "ab", "the", "remote,", "你好", "再见。", "straße", "Ünïcode", "x.", "9:30", "กิน")
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=12)


@given(old=WORDS.filter(bool), new=WORDS, parts=st.integers(1, 4))
def test_whatever_is_said_instead(old: list[str], new: list[str], parts: int) -> None:
    size = -(-len(old) // parts)
    groups = [old[at : at + size] for at in range(0, len(old), size)]
    talk = tuple(spoken(" ".join(group), 10.0 * number) for number, group in enumerate(groups))
    changed = rewritten(talk, " ".join(new))
    assert texts(joined(changed)) == texts(" ".join(new))
    words, before = said(changed), said(talk)
    assert all(low[1] <= high[1] and low[2] <= high[1] for low, high in pairwise(words))
    assert all(talk[0].start <= start <= end <= talk[-1].end for _, start, end, _ in words)
    assert all(word in before or word[3] == 1.0 for word in words)
    shared = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    assert words[:shared] == before[:shared]
    assert [unpack(pack(segment)) for segment in changed] == list(changed)
