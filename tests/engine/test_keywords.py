"""Vocabulary after the fact: what becomes a keyword, and what does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keywords import Vocabulary
from engine.types import Keyword, Segment, Word

COMMON = (Path(__file__).parent / "common_words.txt").read_text()
UNRELATED = ("Kubernetes", "Anthropic", "Zyrtec", "PostgreSQL", "Siobhan", "Reykjavik", "Terraform", "Nguyen")


def said(text: str, probability: float = 0.5) -> Segment:
    words = tuple(Word(word, index * 0.4, index * 0.4 + 0.3, probability) for index, word in enumerate(text.split()))
    return Segment(0.0, words[-1].end, text, words)


def boost(text: str, *keywords: str, probability: float = 0.5) -> Segment:
    [result] = Vocabulary([Keyword.parse(keyword) for keyword in keywords]).boosted([said(text, probability)])
    assert result.text.split() == [part for word in result.words for part in word.text.split()]
    assert [word.start for word in result.words] == sorted(word.start for word in result.words)
    return result


@pytest.mark.parametrize(
    ("heard", "keyword", "expected"),
    [
        ("I work at akme.", "Acme:5", "I work at Acme."),
        ("Akme, he said", "acme:5", "Acme, he said"),
        ("the akme's door", "Acme:5", "the Acme's door"),
        ("(akmee)", "Acme:5", "(Acme)"),
        ("open kuber netties now", "Kubernetes:8", "open Kubernetes now"),
        ("ask post gress queue el", "PostgreSQL:2", "ask post gress queue el"),
        ("use post gresql daily", "PostgreSQL:2", "use PostgreSQL daily"),
        ("we met jon snoe there", "Jon Snow:5", "we met Jon Snow there"),
        ("a gpt model", "GPT", "a GPT model"),
        ("the G P T model", "GPT", "the GPT model"),
        ("Ask Zoë today", "Zoe", "Ask Zoe today"),
        ("вызови Аркадея сюда", "Аркадия:5", "вызови Аркадия сюда"),
    ],
)
def test_what_nearly_is_a_keyword_becomes_it(heard: str, keyword: str, expected: str) -> None:
    assert boost(heard, keyword).text == expected


def test_what_was_heard_stays_on_record() -> None:
    words = boost("at akme now", "Acme:5").words
    assert [word.original for word in words] == [None, "akme", None]
    merged = boost("open kuber netties now", "Kubernetes:8").words[1]
    assert (merged.text, merged.original, merged.start, merged.end) == ("Kubernetes", "kuber netties", 0.4, 1.1)


def test_a_term_of_more_words_than_were_heard_shares_their_time() -> None:
    words = boost("in newyork today", "New York:5").words
    assert [word.text for word in words] == ["in", "New", "York", "today"]
    assert words[1].start < words[1].end == words[2].start < words[2].end
    assert (words[1].start, words[2].end) == (0.4, 0.7)


def test_sure_words_change_only_for_their_very_sound_and_a_heavy_weight() -> None:
    assert boost("at akme now", "Acme:1.5", probability=0.97).text == "at akme now"
    assert boost("at akme now", "Acme:5", probability=0.97).text == "at Acme now"
    assert boost("an acne cream", "Acme:10", probability=0.97).text == "an acne cream"


def test_the_weight_says_how_far_a_keyword_reaches() -> None:
    assert boost("call kuberneets", "Kubernetes:0.1").text == "call kuberneets"
    assert boost("call kubanetez", "Kubernetes:8").text == "call Kubernetes"


def test_another_script_is_left_alone() -> None:
    assert boost("ask अक्मे today", "Acme:10", probability=0.1).text == "ask अक्मे today"


def test_letters_of_spaceless_languages() -> None:
    words = tuple(Word(char, index * 0.2, index * 0.2 + 0.2, 0.5) for index, char in enumerate("我去背京。"))
    segment = Segment(0.0, 1.0, "我去背京。", words)
    [result] = Vocabulary([Keyword("去北京", 10)]).boosted([segment])
    assert result.text == "我去北京。"


@pytest.mark.parametrize("weight", [1.5, 5.0, 10.0])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.99])
def test_common_words_stay_what_they_are(weight: float, probability: float) -> None:
    keywords = [Keyword(term, weight) for term in UNRELATED]
    text = " ".join(COMMON.split())
    [result] = Vocabulary(keywords).boosted([said(text, probability)])
    assert result.text == text


@given(st.text(max_size=30), st.floats(0.1, 10), st.text(alphabet="abc .,'*+?()[]", min_size=1, max_size=40))
def test_no_keyword_is_a_pattern_and_nothing_breaks(term: str, weight: float, text: str) -> None:
    if not text.split():
        return
    segment = said(" ".join(text.split()))
    [result] = Vocabulary([Keyword(term, weight)]).boosted([segment])
    assert result.end == segment.end
    if not any(char.isalnum() for char in term):
        assert result == segment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme:5", Keyword("Acme", 5)),
        ("Acme", Keyword("Acme", 1.5)),
        ("x:50", Keyword("x", 10)),
        ("std::vector:2", Keyword("std::vector", 2)),
    ],
)
def test_keywords_are_read(text: str, expected: Keyword) -> None:
    assert Keyword.parse(text) == expected


@pytest.mark.parametrize("text", ["x:-1", "x:0", "x:much", "x:nan", ":3", "", "  "])
def test_what_is_no_keyword_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no keyword"):
        Keyword.parse(text)
