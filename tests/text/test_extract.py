"""What is extracted is in the text, at the place that is named."""

from typing import Any

import pytest

from engine.errors import UnsupportedLanguage
from engine.text.extract import extract
from engine.text.types import Extraction, Line, Style
from tests.text.meaning import shared_words

MEETING = (
    Line("Good morning. Today we look at the budget of the harbour festival.", 0.0, 6.0, "Ann"),
    Line("The budget is short by four thousand euros because the stage became dearer.", 6.0, 12.0, "Ben"),
    Line("I'll ask the town for money by Friday. Can you check the price of the stage, Ben?", 12.0, 19.0, "Ann"),
    Line("Sure. What about the tickets. We decided last time to keep them free.", 19.0, 25.0, "Ben"),
    Line("Tom will call the printer tomorrow. Right?", 25.0, 29.0, "Ann"),
)


def made(
    what: Extraction, lines: tuple[Line, ...] = MEETING, style: Style = "brief", language: str | None = "en"
) -> Any:
    return extract(what, lines, shared_words, style=style, language=language)


@pytest.mark.parametrize("style", ["brief", "detailed", "bullet_points", "action_items"])
def test_a_summary_consists_of_sentences_of_the_text_in_their_order(style: Style) -> None:
    answer = made("summary", style=style)
    assert answer["points"]
    for point in answer["points"]:
        assert point["text"] in MEETING[point["line"]].text
        assert (point["start"], point["speaker"]) == (MEETING[point["line"]].start, MEETING[point["line"]].speaker)
        assert point["text"] in answer["summary"]
    lines = [point["line"] for point in answer["points"]]
    assert lines == sorted(lines)


def test_a_text_without_action_items_has_an_empty_summary_of_them() -> None:
    assert made("summary", (Line("The sea was calm that day."),), "action_items") == {"summary": "", "points": []}


def test_action_items_say_who_and_until_when() -> None:
    found = [(item["text"], item["owner"], item["due"]) for item in made("action_items")]
    assert found == [
        ("I'll ask the town for money by Friday.", "Ann", "Friday"),
        ("Can you check the price of the stage, Ben?", None, None),
        ("Tom will call the printer tomorrow.", "Tom", "tomorrow"),
    ]


def test_questions_are_found_with_and_without_their_mark() -> None:
    found = [question["text"] for question in made("questions")]
    assert found == ["Can you check the price of the stage, Ben?", "What about the tickets."]


def test_topics_are_phrases_of_the_text_by_weight() -> None:
    topics = made("topics")
    text = " ".join(line.text for line in MEETING).casefold()
    assert {"budget", "stage"} <= {topic["topic"] for topic in topics}
    assert all(topic["topic"].casefold() in text for topic in topics)
    weights = [topic["weight"] for topic in topics]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 1.0


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this place, the food was wonderful.", "positive"),
        ("The table is made of wood.", "neutral"),
        ("This is a terrible disaster and I hate it.", "negative"),
    ],
)
def test_the_tone_of_english(text: str, label: str) -> None:
    answer = made("sentiment", (Line(text),))
    assert answer["label"] == label
    assert -1 <= answer["score"] <= 1


def test_the_tone_of_a_language_that_the_word_list_lacks_is_not_invented() -> None:
    with pytest.raises(UnsupportedLanguage, match="models fetch"):
        made("sentiment", (Line("Hän oli iloinen ja tyytyväinen tulokseen."),), language="fi")


@pytest.mark.parametrize("what", ["topics", "action_items", "questions"])
@pytest.mark.parametrize("lines", [(), (Line(""),), (Line("  \n "),), (Line("…"), Line("?!"))], ids=str)
def test_a_text_that_says_nothing_gives_nothing(what: Extraction, lines: tuple[Line, ...]) -> None:
    assert made(what, lines, language=None) == []
