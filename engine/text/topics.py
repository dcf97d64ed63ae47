"""What a text is about: its phrases without function words, by how often they come back and how central they are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import regex

from engine.text import ranking
from engine.text.languages import UNSPACED, WORD, empty_words
from engine.text.names import CAPITALISED_NOUNS
from engine.text.phrasebook import phrasebook
from engine.text.ranking import Embed
from engine.text.sentences import Sentence
from engine.text.types import Answer

MOST_TOPICS = 10
MOST_CANDIDATES = 120
MOST_WORDS = 3
BREAKS = regex.compile(r"[^\p{L}\p{M}\p{N}\s'’&-]+")
"""A phrase does not cross punctuation."""
NOTHING: frozenset[str] = frozenset()
ONCE, NOUN = 0.4, 0.8
"""What is left of a phrase that is said a single time; what one gains that is always used as a noun."""


@dataclass(slots=True)
class Phrase:
    words: tuple[str, ...]
    spellings: Counter[str] = field(default_factory=Counter)
    nouns: int = 0
    """How often it stood behind an article or the like."""

    @property
    def count(self) -> int:
        return self.spellings.total()

    @property
    def text(self) -> str:
        return min(self.spellings, key=lambda spelling: (-self.spellings[spelling], spelling))


def topics(
    found: Sequence[Sentence], embed: Embed, code: str | None, most: int = MOST_TOPICS, but: frozenset[str] = NOTHING
) -> list[Answer]:
    """`but`: words that are no topics, like the names of those who speak."""
    phrases = candidates(found, code, but)
    if not phrases:
        return []
    rows = embed([phrase.text for phrase in phrases])
    centre = rows.T @ np.array([phrase.count for phrase in phrases], dtype=np.float32)
    near = rows @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    worth = np.array([_weight(phrase) for phrase in phrases]) * (0.5 + np.clip(near, 0, 1))
    worth /= worth.max()
    picked = ranking.chosen(rows, worth, most)
    ranked = sorted(picked, key=lambda at: (-worth[at], phrases[at].text))
    return [{"topic": phrases[at].text, "weight": round(float(worth[at]), 4)} for at in ranked]


def candidates(found: Sequence[Sentence], code: str | None, but: frozenset[str] = NOTHING) -> list[Phrase]:
    phrases: dict[tuple[str, ...], Phrase] = {}
    empty = empty_words(code) | {word.casefold() for word in but}
    for sentence in found:
        for words, is_noun in _phrases(sentence.text, empty, code):
            key = tuple(map(_stem, words))
            phrase = phrases.setdefault(key, Phrase(key))
            phrase.spellings[" ".join(words)] += 1
            phrase.nouns += is_noun
    kept = sorted(phrases.values(), key=lambda phrase: (-_weight(phrase), phrase.text))[: 2 * MOST_CANDIDATES]
    return [phrase for phrase in kept if not _is_part(phrase, kept)][:MOST_CANDIDATES]


def _weight(phrase: Phrase) -> float:
    length = 1 + 0.4 * (len(phrase.words) - 1)
    noun = 1 + NOUN * phrase.nouns / phrase.count
    return float(np.log1p(phrase.count) * length * noun * (ONCE if phrase.count == 1 else 1))


def _is_part(phrase: Phrase, others: Sequence[Phrase]) -> bool:
    """ "budget" where nearly every budget is a "marketing budget"."""
    return any(
        len(other.words) > len(phrase.words)
        and set(phrase.words) <= set(other.words)
        and other.count >= max(2, 0.7 * phrase.count)
        for other in others
    )


def _phrases(text: str, empty: frozenset[str], code: str | None) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Each with whether it stands behind an article or the like."""
    for number, stretch in enumerate(BREAKS.split(text)):
        run: list[str] = []
        before = ""
        for place, word in enumerate((*WORD.findall(stretch), "")):
            if word and _tells(word, empty, code, first=number == place == 0):
                run.append(word)
            else:
                yield from _within(run, before in _determiners(code))
                run, before = [], word.casefold()


def _within(run: Sequence[str], is_noun: bool) -> Iterator[tuple[tuple[str, ...], bool]]:
    for length in range(1, MOST_WORDS + 1):
        for start in range(len(run) - length + 1):
            yield tuple(run[start : start + length]), is_noun and start + length == len(run)


def _tells(word: str, empty: frozenset[str], code: str | None, *, first: bool) -> bool:
    if word.casefold() in empty or any(char.isdigit() for char in word):
        return False
    if code in CAPITALISED_NOUNS and not first and not word[0].isupper():
        return False
    return len(word) > 2 or bool(UNSPACED.search(word))


def _determiners(code: str | None) -> frozenset[str]:
    book = phrasebook(code)
    return book.determiners if book else NOTHING


def _stem(word: str) -> str:
    """Near enough to hold "budget" and "budgets" together; nothing is shown of it."""
    plain = word.casefold()
    return plain.removesuffix("s") if len(plain) > 4 else plain
