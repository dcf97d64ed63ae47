"""Cards and a quiz to learn a text by: its own sentences with a word left out, its other words as wrong answers."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from engine.text import ranking
from engine.text.languages import phrasebooks
from engine.text.questions import is_question
from engine.text.ranking import Embed
from engine.text.sentences import Sentence
from engine.text.summary import weights
from engine.text.topics import topics
from engine.text.types import Answer

BLANK = "_____"
MOST_CARDS, MOST_QUESTIONS, OPTIONS = 12, 8, 4
MOST_TERMS = 40
FEWEST_WORDS = 6
NUMBER = regex.compile(r"(?<![\p{L}\d])\d[\d.,]*(?![\p{L}\d])")


@dataclass(frozen=True, slots=True)
class Cloze:
    sentence: Sentence
    term: str
    question: str


def flashcards(found: Sequence[Sentence], embed: Embed, code: str | None, names: frozenset[str]) -> list[Answer]:
    return [
        {"question": one.question, "answer": one.term, "line": one.sentence.line, "start": one.sentence.start}
        for one in clozes(found, embed, code, terms_of(found, embed, code, names), MOST_CARDS)
    ]


def quiz(found: Sequence[Sentence], embed: Embed, code: str | None, names: frozenset[str]) -> list[Answer]:
    """No question where the text has too few other terms to choose from."""
    terms = terms_of(found, embed, code, names)
    asked: list[Answer] = []
    for one in clozes(found, embed, code, terms, MOST_QUESTIONS):
        wrong = _others(one, terms)
        if len(wrong) < OPTIONS - 1:
            continue
        options = sorted([one.term, *wrong], key=lambda option: _mixed(one.question + option))
        place = {"line": one.sentence.line, "start": one.sentence.start}
        asked.append({"question": one.question, "options": options, "answer": one.term, **place})
    return asked


def terms_of(found: Sequence[Sentence], embed: Embed, code: str | None, names: frozenset[str]) -> list[str]:
    return [str(topic["topic"]) for topic in topics(found, embed, code, MOST_TERMS, names)]


def clozes(found: Sequence[Sentence], embed: Embed, code: str | None, terms: Sequence[str], most: int) -> list[Cloze]:
    """Of the most central sentences, each with its weightiest term left out; no term twice."""
    books = phrasebooks(code)
    whole = [one for one in found if one.text.count(" ") + 1 >= FEWEST_WORDS and not is_question(one.text, books)]
    telling = ranking.evenly(whole, ranking.MOST_READ)
    rows = ranking.vectors(telling, embed, code)
    order = ranking.chosen(rows, weights(telling, rows, code), 2 * most) if telling else []
    used: set[str] = set()
    made: list[Cloze] = []
    for at in order:
        cloze = next(_possible(telling[at], terms, used), None)
        if cloze and len(made) < most:
            used.add(cloze.term.casefold())
            made.append(cloze)
    return made


def _possible(sentence: Sentence, terms: Sequence[str], used: set[str]) -> Iterator[Cloze]:
    for term in terms:
        pattern = regex.compile(rf"(?<![\p{{L}}\d]){regex.escape(term)}(?![\p{{L}}\d])", regex.IGNORECASE)
        match = pattern.search(sentence.text)
        if match and match[0].casefold() not in used:
            yield Cloze(sentence, match[0], pattern.sub(BLANK, sentence.text))
    number = NUMBER.search(sentence.text)
    if number and number[0] not in used:
        at = number.span()
        yield Cloze(sentence, number[0], sentence.text[: at[0]] + BLANK + sentence.text[at[1] :])


def _others(cloze: Cloze, terms: Sequence[str]) -> list[str]:
    """As many words long as the answer first; none that stands in the sentence or says the same."""
    own = cloze.sentence.text.casefold()
    fitting = [term for term in terms if term.casefold() not in own and cloze.term.casefold() not in term.casefold()]
    length = cloze.term.count(" ")
    return sorted(fitting, key=lambda term: (abs(term.count(" ") - length), _mixed(cloze.question + term)))[
        : OPTIONS - 1
    ]


def _mixed(text: str) -> bytes:
    """An order that nobody can foresee and that is the same every time."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
