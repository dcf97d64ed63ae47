"""People, as far as they can be told without a model: by title, by how they are introduced, by given name, as speakers.

Who has a rare name and none of these is not found. In text without capitals only introductions and given names count.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import takewhile

import regex

from engine.text.languages import empty_words
from engine.text.marked import Span
from engine.text.types import Line
from engine.text.wordlists import wordlists

LISTS = wordlists("names.txt")
WORD = r"\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*"
CAPITAL = r"\p{Lu}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*"
NEXT = rf"\s(?:(?:{LISTS.any_of('particle')})\s)?{CAPITAL}"
RUN = regex.compile(rf"(?<![\p{{L}}\p{{N}}]){CAPITAL}(?:{NEXT}){{0,3}}")
TITLED = regex.compile(rf"(?<!\p{{L}})(?:{LISTS.any_of('title')}\s){{1,3}}(?P<name>{CAPITAL}(?:{NEXT}){{0,2}})")
SURE = regex.compile(rf"(?<!\p{{L}})(?i:{LISTS.any_of('sure')})\s(?P<name>{CAPITAL}(?:{NEXT}){{0,2}})")
LIKELY = regex.compile(rf"(?<!\p{{L}})(?i:{LISTS.any_of('likely')}),?\s(?P<name>{CAPITAL}(?:{NEXT}){{1,2}})")
SURE_WITHOUT_CAPITALS = regex.compile(rf"(?<!\p{{L}}){LISTS.any_of('sure')}\s(?P<name>{WORD}(?:\s{WORD})?)")
CAPITALISED_NOUNS = frozenset({"de"})
NOUN = regex.compile(
    r"\p{L}+(?:ung|heit|keit|schaft|tion|tät|ismus|nis|chen|lein|ment|enz|anz)(?:en|e|s|se)?|Bescheid|Euro|Uhr|Prozent"
)
UNNAMED = regex.compile(
    r"(?i:speaker|sprecher(?:in)?|hablante|channel|kanal|canal|person|voice|spk|unknown)?[\s_#-]*(?:[A-Z]|\d+)?"
)
MOST_NAMES = 500
SHORTEST = 3


def people(text: str, lines: Sequence[Line], code: str | None) -> list[Span]:
    """Of the lines joined; longer ones first, so that "Anna Berg" is found before "Anna"."""
    speaking = _speaker_words(lines)
    found = (
        set(_introduced(text, code)) | set(_by_given_name(text, speaking, code)) | set(_without_capitals(text, code))
    )
    found |= set(_again(text, {text[start:end] for start, end in found}, code))
    return [Span("PERSON", start, end) for start, end in sorted(found, key=lambda span: (span[0] - span[1], span[0]))]


def is_given(word: str) -> bool:
    return word.casefold() in _given() and word.casefold() not in _also_words()


def known_words(text: str, lines: Sequence[Line], code: str | None) -> frozenset[str]:
    """The words of all names."""
    return frozenset(word for span in people(text, lines, code) for word in text[span.start : span.end].split())


def _introduced(text: str, code: str | None) -> Iterator[tuple[int, int]]:
    for match in TITLED.finditer(text):
        start = match.start("name")
        yield start, start + _length(match["name"].split(" "), code, only_first=True)
    for match in SURE.finditer(text):
        yield match.start("name"), match.start("name") + _length(match["name"].split(" "), code)
    for match in LIKELY.finditer(text):
        words = match["name"].split(" ")
        if words[0].casefold() in _given() or (
            code not in CAPITALISED_NOUNS and words[0].casefold() not in empty_words(code)
        ):
            yield match.start("name"), match.start("name") + _length(words, code)


def _by_given_name(text: str, speaking: frozenset[str], code: str | None) -> Iterator[tuple[int, int]]:
    for run in RUN.finditer(text):
        words = run[0].split(" ")
        at = run.start()
        for place, word in enumerate(words):
            length = _length(words[place:], code)
            named = word.casefold() in _given() and (word.casefold() not in _also_words() or length > len(word))
            if named or word in speaking:
                yield at, at + length
                break
            at += len(word) + 1


def _length(words: Sequence[str], code: str | None, *, only_first: bool = False) -> int:
    """Characters of the name that these capitalised words start with."""
    rest = words[1:]
    if code in CAPITALISED_NOUNS:
        # Behind a name any noun may follow.
        most = 0 if only_first and words[0].casefold() not in _given() else 1
        rest = list(takewhile(lambda word: not NOUN.fullmatch(word), rest))[:most]
    rest = list(takewhile(lambda word: word[0].islower() or word.casefold() not in empty_words(code), rest))
    while rest and rest[-1][0].islower():
        rest = rest[:-1]
    return len(" ".join([words[0], *rest]))


def _without_capitals(text: str, code: str | None) -> Iterator[tuple[int, int]]:
    if any(char.isupper() for char in text):
        return
    for match in SURE_WITHOUT_CAPITALS.finditer(text):
        words = list(takewhile(lambda word: word not in empty_words(code), match["name"].split(" ")))
        yield match.start("name"), match.start("name") + len(" ".join(words))
    for match in regex.finditer(WORD, text):
        if is_given(match[0]):
            yield match.span()


def _again(text: str, names: Iterable[str], code: str | None) -> Iterator[tuple[int, int]]:
    """Parts of full names where they stand alone."""
    parts = {
        part
        for name in names
        if " " in name
        for part in name.split(" ")[-1:]
        if len(part) >= SHORTEST and part[0].isupper()
    }
    kept = sorted(part for part in parts if part.casefold() not in _also_words() | empty_words(code))[:MOST_NAMES]
    if kept:
        pattern = regex.compile(r"(?<![\p{L}\p{N}])\L<kept>(?![\p{L}\p{N}])", kept=kept)
        yield from (match.span() for match in pattern.finditer(text))


def _speaker_words(lines: Sequence[Line]) -> frozenset[str]:
    words: set[str] = set()
    for name in {line.speaker for line in lines if line.speaker}:
        if not UNNAMED.fullmatch(name):
            words.update(name.split())
    roles = frozenset(LISTS.words("role"))
    return frozenset(
        word for word in words if word[0].isupper() and len(word) >= SHORTEST and word.casefold() not in roles
    )


@cache
def _given() -> frozenset[str]:
    return frozenset(word.casefold() for word in LISTS.words("given")) | _also_words()


@cache
def _also_words() -> frozenset[str]:
    return frozenset(word.casefold() for word in LISTS.words("words"))
