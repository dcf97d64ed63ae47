import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.types import Segment, Word
from transcripts.api.chunking import parts, words

segments = st.lists(
    st.builds(
        lambda start, length, said: Segment(start, start + length, " " + " ".join(said)),
        st.floats(0, 1e4),
        st.floats(0.01, 40),
        st.lists(st.text("abcé,.", min_size=1), max_size=30),
    ),
    max_size=5,
)


@given(segments, st.floats(0.5, 15))
def test_chunks_hold_every_word_once_and_none_is_too_long(spoken: list[Segment], cap: float) -> None:
    found = parts(spoken, cap)
    assert " ".join(part.text for part in found).split() == " ".join(each.text for each in spoken).split()
    assert all(part.end - part.start <= cap + 0.002 for part in found)
    for before, after in pairwise(found):
        assert after.first or before.end <= after.start + 0.002


@pytest.mark.parametrize(
    ("start", "end", "text", "expected"),
    [
        (0.28, 7.72, "I just started a round", [(0.28, 4.0, "I just"), (4.0, 7.72, "started a round")]),
        (0, 13.56, "You are on it now.", [(0, 4.52, "You"), (4.52, 9.04, "are on"), (9.04, 13.56, "it now.")]),
        (1, 6, "at the cap", [(1, 6, "at the cap")]),
    ],
)
def test_the_cut_of_the_vendors_own_examples(
    start: float, end: float, text: str, expected: list[tuple[float, float, str]]
) -> None:
    assert [(part.start, part.end, part.text) for part in parts([Segment(start, end, text)], 5)] == expected


def test_a_word_is_a_chunk_of_its_own() -> None:
    said = (Word("Hi", 0.1, 0.4, 0.9), Word("there.", 0.5, 0.9004, 0.9))
    assert [(part.start, part.end, part.text) for part in words([Segment(0, 1, "Hi there.", said)])] == [
        (0.1, 0.4, "Hi"),
        (0.5, 0.9, "there."),
    ]


@given(st.integers(1, 60), st.floats(0.01, 30), st.floats(0.05, 15))
def test_part_j_holds_the_words_that_the_rule_gives_it(count: int, length: float, cap: float) -> None:
    said = [f"w{number}" for number in range(count)]
    parts_in_all = max(1, math.ceil(length / cap - 1e-9))
    cut = [said[j * count // parts_in_all : (j + 1) * count // parts_in_all] for j in range(parts_in_all)]
    found = parts([Segment(0, length, " ".join(said))], cap)
    assert [part.text.split() for part in found] == [words for words in cut if words]
    edges = [(j * length / parts_in_all, (j + 1) * length / parts_in_all) for j, words in enumerate(cut) if words]
    assert [(part.start, part.end) for part in found] == [(round(a, 3), round(b, 3)) for a, b in edges]


def test_a_script_without_spaces_is_cut_between_its_words() -> None:
    said = tuple(Word(text, at, at + 1.0, 0.9) for at, text in enumerate(["今天", "天气", "很", "好。"]))
    found = parts([Segment(0, 4, "今天天气很好。", said)], 2)
    assert [(part.start, part.end, part.text) for part in found] == [(0, 2, "今天天气"), (2, 4, "很好。")]


def test_a_tiny_cap_makes_no_more_work_than_there_are_words() -> None:
    found = parts([Segment(0, 14_400, "all of it")], 1e-9)
    assert [part.text for part in found] == ["all", "of", "it"]
