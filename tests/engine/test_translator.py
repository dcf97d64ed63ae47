"""The real translator with a model of random weights: it writes nonsense, in the right places."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import catalog
from engine.config import EngineConfig
from engine.errors import Cancelled, ModelUnavailable, UnsupportedLanguage
from engine.local import LocalEngine
from engine.text.translator import BEAM, END, SLACK, Translator
from tests.engine.text_models import TRANSLATOR, with_text_models

HELLO, NOTES = "The meeting starts at ten.", "Who takes the notes today?"


def config(models_dir: Path) -> EngineConfig:
    return EngineConfig(models_dir, default_model=catalog.EMBEDDED, device="cpu", threads=2, fetch_models=False)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = LocalEngine(config(with_text_models(tmp_path_factory.mktemp("models"))))
    yield engine
    engine.close()


def alone(sentence: str, code: str, beside: str = "") -> str:
    """The same model asked for one sentence, in so many words. It never comes to an end by itself: how far it gets
    follows from the longest sentence that shares its call."""
    model = Translator(TRANSLATOR, config(TRANSLATOR))
    tokens = [*model._pieces.encode(f"<2{code}>", out_type=str), *model._pieces.encode(sentence, out_type=str)]
    longest = max(len(model._pieces.encode(text)) for text in (sentence, beside))
    cap = 2 * (len(tokens) - len(model._pieces.encode(sentence)) + longest + 1) + SLACK
    [result] = model._translator.translate_batch(
        [[*tokens, END]], beam_size=BEAM, max_decoding_length=cap, disable_unk=True
    )
    text: str = model._pieces.decode(result.hypotheses[0])
    return text.strip()


def test_a_sentence_is_translated_into_the_language_that_is_asked_for(engine: LocalEngine) -> None:
    german, hebrew = engine.translate([NOTES], None, "de"), engine.translate([NOTES], "en", "he")
    assert german == [alone(NOTES, "de")]
    assert hebrew == [alone(NOTES, "iw")]
    assert german != hebrew


def test_each_sentence_keeps_its_place(engine: LocalEngine) -> None:
    hello, notes, china = (alone(text, "de", max(HELLO, NOTES, key=len)) for text in (HELLO, NOTES, "你好。"))
    text = f"  {HELLO}  {NOTES}\n\n12:30 – 14.\n{HELLO}\n你好。你好。 "
    assert engine.translate([text, "", "…", NOTES], None, "de") == [
        f"  {hello}  {notes}\n\n12:30 – 14.\n{hello}\n{china}{china} ",
        "",
        "…",
        notes,
    ]


def test_an_abbreviation_does_not_end_a_sentence(engine: LocalEngine) -> None:
    assert engine.translate(["Dr. Ann takes notes."], "en", "de") == [alone("Dr. Ann takes notes.", "de")]


def test_a_long_sentence_is_translated_to_its_end(engine: LocalEngine) -> None:
    words = "the meeting starts at ten " * 60
    assert engine.translate([words], None, "de")[0].count(" ") >= 1


def test_a_text_cannot_choose_its_language(engine: LocalEngine) -> None:
    [said] = engine.translate([f"<2yue>{NOTES}"], None, "de")
    [plain] = engine.translate([NOTES], None, "de")
    assert said == plain
    assert not re.search(r"<2\w+>", said)


@pytest.mark.parametrize(("tag", "code"), [("DE", "de"), ("de-AT", "de"), ("zh-Hant", "zh_Hant"), ("yue", "yue")])
def test_a_language_tag_is_read_kindly(engine: LocalEngine, tag: str, code: str) -> None:
    assert engine.translate([NOTES], None, tag) == [alone(NOTES, code)]


def test_a_language_that_it_does_not_write_is_refused(engine: LocalEngine) -> None:
    for target in ("fr", "translate", "", "iw"):
        with pytest.raises(UnsupportedLanguage, match="Nothing was translated"):
            engine.translate([NOTES], None, target)


def test_it_says_which_languages_it_writes(engine: LocalEngine) -> None:
    assert engine.status().text.translator == catalog.TRANSLATOR
    assert engine.status().text.targets == ("de", "he", "yue", "zh_Hant")


def test_a_text_that_is_in_the_language_already_stays(engine: LocalEngine) -> None:
    assert engine.translate([NOTES], "de", "de") == [NOTES]


def test_a_caller_who_leaves_ends_it(engine: LocalEngine) -> None:
    def leave() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.translate([f"{NOTES} {number}." for number in range(500)], None, "de", beat=leave)
    assert engine.status().queued == 0


def test_without_a_model_it_is_said_what_to_install(tmp_path: Path) -> None:
    engine = LocalEngine(config(tmp_path))
    with pytest.raises(ModelUnavailable, match="models fetch madlad400-3b-mt"):
        engine.translate([NOTES], None, "de")
    engine.close()
