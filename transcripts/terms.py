"""Words as a search compares them: without case and accents, and where a script has no spaces, two letters at a time.

Both databases are given these terms and nothing else, so they find the same, whatever tokenizers and locales they
have (docs/decisions/0019).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

MOST_TERMS = 24
"""Of a query; what stands behind them is not looked for."""
LONGEST = 64
GRAM = 4
WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")
MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
"""Accents and points. Vowel signs of Indian scripts are letters here: without them other words would be meant."""
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    r"\U0001b000-\U0001b16f\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
PHRASE = re.compile(r'"([^"]*)("|$)|(\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """`start` and `end` are its place in the text it comes from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms that follow each other; with `prefix`, the last one may go on."""

    terms: tuple[str, ...]
    prefix: bool = False


def terms(text: str) -> Iterator[Term]:
    """In an unspaced run every two letters, and the last one alone: a single letter is the beginning of some term."""
    for at, end, unspaced in _runs(text):
        if not unspaced:
            yield Term(_folded(text[at:end])[:LONGEST], at, end)
            continue
        for place in range(at, end):
            yield Term(_folded(text[place : min(place + 2, end)]), place, min(place + 2, end))


def joined(text: str) -> str:
    """What the full-text index is given."""
    return " ".join(term.text for term in terms(text) if term.text)


def clauses(query: str) -> tuple[Clause, ...]:
    """Words are sought each, quoted ones in a row, and the last word may be one that is still being typed."""
    found = [clause for chunk in PHRASE.finditer(query) for clause in _clauses(chunk)]
    typing = bool(query) and not query[-1].isspace() and query[-1] != '"'
    if found and typing:
        found[-1] = Clause(found[-1].terms, prefix=True)
    kept, room = [], MOST_TERMS
    for clause in found:
        if room > 0:
            kept.append(Clause(clause.terms[:room], clause.prefix))
            room -= len(clause.terms)
    return tuple(kept)


def grams(words: Iterable[str]) -> set[str]:
    """Pieces of terms, by which "devuelve" and "devolver" are alike."""
    padded = (f" {word} " for word in set(words))
    return {word[at : at + GRAM] for word in padded for at in range(max(1, len(word) - GRAM + 1))}


def marks(text: str, query: str) -> list[tuple[int, int]]:
    """Where in `text` the query stands: the whole of it where it does, else its words."""
    literal = " ".join(query.split())
    if literal and (whole := [hit.span() for hit in _pattern(literal).finditer(text)]):
        return whole
    said = list(terms(text))
    hits = [
        (said[at].start, said[at + len(clause.terms) - 1].end)
        for clause in clauses(query)
        for at in range(len(said) - len(clause.terms) + 1)
        if _stands(clause, [term.text for term in said[at : at + len(clause.terms)]])
    ]
    return _merged(sorted(hits))


def _clauses(chunk: "re.Match[str]") -> Iterator[Clause]:
    said = chunk[1] if chunk[1] is not None else chunk[3]
    spaced: list[str] = []
    for at, end, unspaced in _runs(said):
        if not unspaced:
            spaced.append(_folded(said[at:end])[:LONGEST])
            continue
        yield from _row(spaced)
        spaced = []
        pairs = tuple(_folded(said[place : place + 2]) for place in range(at, max(end - 1, at + 1)))
        yield Clause(pairs, prefix=end - at == 1)
    yield from _row(spaced)


def _row(spaced: list[str]) -> Iterator[Clause]:
    if words := tuple(word for word in spaced if word):
        yield Clause(words)


def _runs(text: str) -> Iterator[tuple[int, int, bool]]:
    for word in WORD.finditer(text):
        at = word.start()
        for run in UNSPACED.finditer(text, word.start(), word.end()):
            if at < run.start():
                yield at, run.start(), False
            yield run.start(), run.end(), True
            at = run.end()
        if at < word.end():
            yield at, word.end(), False


def _stands(clause: Clause, said: list[str]) -> bool:
    *head, last = clause.terms
    return said[:-1] == head and (said[-1].startswith(last) if clause.prefix else said[-1] == last)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _folded(word: str) -> str:
    return word.lower() if word.isascii() else "".join(map(_letter, word))


@lru_cache(maxsize=65536)
def _letter(letter: str) -> str:
    plain = MARKS.sub("", unicodedata.normalize("NFKD", letter))
    # Only letters and digits: what else folding gives (a fraction's stroke) would part a term in two.
    return "".join(each for each in unicodedata.normalize("NFC", plain).casefold() if each.isalnum() or _is_sign(each))


def _is_sign(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Mc") and not MARKS.match(letter)


@lru_cache(maxsize=64)
def _pattern(query: str) -> "re.Pattern[str]":
    return re.compile(r"\s+".join(re.escape(part) for part in query.split()), re.IGNORECASE)
