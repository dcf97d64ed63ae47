"""What is done to a text on request."""

import pytest

from engine.postprocess import tidied
from engine.scripts import romanized
from engine.types import Keyword, Options, Segment, Word

CLEAN = Options(clean=True)


def said(text: str, language: str = "en") -> Segment:
    words = tuple(Word(word, index * 0.4, index * 0.4 + 0.3, 0.8) for index, word in enumerate(text.split()))
    return Segment(0.0, words[-1].end, text, words, language=language)


def tidy(text: str, language: str = "en", options: Options = CLEAN) -> str:
    [segment] = tidied([said(text, language)], options)
    assert segment.text.split() == [word.text for word in segment.words]
    return segment.text


@pytest.mark.parametrize(
    ("heard", "language", "clean"),
    [
        ("Um, I think so.", "en", "I think so."),
        ("I, uh, think so.", "en", "I think so."),
        ("I think so, um.", "en", "I think so."),
        ("Well um we can.", "en", "Well we can."),
        ("It is, you know, late.", "en", "It is late."),
        ("I mean, we can.", "en", "We can."),
        ("Do you know him?", "en", "Do you know him?"),
        ("Yes. Um, maybe not.", "en", "Yes. Maybe not."),
        ("Also, ähm, morgen um drei.", "de", "Also morgen um drei."),
        ("Er kommt.", "de", "Er kommt."),
        ("Um homem, hum, alto.", "pt", "Um homem alto."),
        ("Je, euh, ne sais pas.", "fr", "Je ne sais pas."),
        ("The umbrella hummed.", "en", "The umbrella hummed."),
        ("Um.", "en", "Um."),
        ("Uh, um.", "en", "Uh, um."),
    ],
)
def test_hesitation_goes_and_what_means_something_stays(heard: str, language: str, clean: str) -> None:
    assert tidy(heard, language) == clean


def test_the_times_of_the_other_words_stay() -> None:
    before = said("So um we start.")
    [after] = tidied([before], CLEAN)
    assert [(word.text, word.start, word.end) for word in after.words] == [
        (word.text, word.start, word.end) for word in before.words if word.text != "um"
    ]


def test_marks_and_spaces_are_tidied() -> None:
    words = (Word("Hello,,", 0.0, 0.3, 0.9), Word("you.", 0.4, 0.7, 0.9))
    [segment] = tidied([Segment(0.0, 0.7, "Hello,,   you .", words, language="en")], CLEAN)
    assert segment.text == "Hello, you."
    assert [word.text for word in segment.words] == ["Hello,", "you."]


def test_nothing_is_touched_unasked() -> None:
    segment = said("Um, मीटिंग nahi hai.", "hi")
    assert tidied([segment], Options()) == [segment]


SCRIPT = Options(normalize_script=True, keywords=(Keyword("Steno"), Keyword("Vatika")))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("आज मीटिंग है।", "आज meeting है।"),
        ("kal meeting nahi hai", "कल meeting नहीं है"),
        ("मैंने स्टेनो खोला", "मैंने Steno खोला"),
        ("मेरा कंप्यूटर, नया है", "मेरा computer, नया है"),
        ("अच्छा ठीक है", "अच्छा ठीक है"),
        ("the main project is ready", "the main project is ready"),
        ("यह अनजान शब्द", "यह अनजान शब्द"),
    ],
)
def test_each_word_in_its_own_script(heard: str, expected: str) -> None:
    assert tidy(heard, "hi", SCRIPT) == expected


def test_what_was_written_first_stays_on_record_and_other_languages_stay_whole() -> None:
    [segment] = tidied([said("आज मीटिंग है", "hi")], SCRIPT)
    assert [word.original for word in segment.words] == [None, "मीटिंग", None]
    assert tidy("kal nahi hai", "en", SCRIPT) == "kal nahi hai"


@pytest.mark.parametrize(("word", "latin"), [("मीटिंग", "meeting"), ("स्टेनो", "steno"), ("वाटिका", "vaatikaa")])
def test_devanagari_is_read_aloud_in_latin(word: str, latin: str) -> None:
    assert romanized(word) == latin
