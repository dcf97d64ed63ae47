"""What the caller knows beforehand, and the budget for it."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.whisper import MAX_TOKENS, WhisperRecognizer
from engine.hints import hint_text, hint_tokens
from engine.protocols import Request, Window
from engine.types import SAMPLE_RATE, Keyword, Span
from tests.engine.speech import talk
from tests.engine.whole import micro

WORDS = ["door", "window", "message", "report", "table", "water", "music", "Necesito", "你好", "naïve", "x"]


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    return micro()


def request(prompt: str | None, terms: int = 0, context: int = 0) -> Request:
    chance = random.Random(1)
    keywords = tuple(Keyword(f"{chance.choice(WORDS)} {index}", 1 + index % 9) for index in range(terms))
    about = tuple((chance.choice(WORDS), chance.choice(WORDS) * 3) for _ in range(context))
    return Request("en", "transcribe", prompt, True, keywords, about)


MONSTERS = [
    request("word " * 100_000),
    request("w" * 100_000),
    request(None, terms=3000),
    request(None, context=3000),
    request("unheard of names " * 500, terms=400, context=400),
    request("你好" * 5000, terms=1),
]


@pytest.mark.parametrize("monster", MONSTERS)
@pytest.mark.parametrize("time_stamps", [False, True])
def test_half_of_the_decoder_is_left_for_the_text(
    whisper: WhisperRecognizer, monster: Request, time_stamps: bool
) -> None:
    prompt = whisper._prompt(whisper._tokenizer(monster), monster, time_stamps=time_stamps)
    assert len(prompt) <= MAX_TOKENS // 2


def test_the_model_takes_the_largest_hints(whisper: WhisperRecognizer) -> None:
    pcm = talk(["en_door"])
    window = Window(pcm.astype(np.float32) / np.float32(32768), (Span(0.0, len(pcm) / SAMPLE_RATE),))
    found = whisper.recognize([window] * 2, [MONSTERS[4], MONSTERS[4]], lambda: False)
    assert len(found) == 2
    whisper.recognize_again(window, MONSTERS[4], lambda: False)


def spell(text: str) -> list[int]:
    return [ord(char) for char in text]


def begins_word(token: int) -> bool:
    return token == ord(" ")


def read(tokens: list[int]) -> str:
    return "".join(map(chr, tokens))


texts = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)


@given(
    texts,
    st.lists(st.builds(Keyword, st.sampled_from(WORDS), st.floats(0.1, 10)), max_size=20),
    st.lists(st.tuples(texts, texts), max_size=5),
    st.integers(0, 300),
)
def test_the_budget_is_never_passed_and_no_word_is_cut(
    prompt: str, keywords: list[Keyword], context: list[tuple[str, str]], budget: int
) -> None:
    asked = Request("en", "transcribe", prompt, True, tuple(keywords), tuple(context))
    tokens = hint_tokens(asked, budget, spell, begins_word)
    assert len(tokens) <= budget
    known = set(WORDS)
    assert all(word.strip(",.:") in known for word in read(tokens).split() if word.strip(",.:"))


def test_everything_is_said_where_there_is_room_and_the_prompt_comes_last() -> None:
    asked = Request("en", "transcribe", "Last words", True, (Keyword("b"), Keyword("a", 9)), (("Topic", "Boats"),))
    assert read(hint_tokens(asked, 200, spell, begins_word)) == " Topic: Boats. a, b, Last words"
    assert hint_text(asked) == "Topic: Boats. a, b Last words"


def test_what_needs_little_leaves_its_room_to_the_others() -> None:
    asked = Request("en", "transcribe", "word " * 50, True, (Keyword("ab"),))
    tokens = read(hint_tokens(asked, 100, spell, begins_word))
    assert tokens.startswith(" ab, word")
    assert len(tokens) > 90
