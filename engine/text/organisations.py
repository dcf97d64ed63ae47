"""Companies and institutions, by what their names end or begin with."""

from collections.abc import Iterator
from itertools import chain

import regex

from engine.text.dates import FREE, FREE_AFTER
from engine.text.languages import empty_words
from engine.text.marked import Span
from engine.text.names import CAPITAL
from engine.text.wordlists import wordlists

LISTS = wordlists("entities.txt")
LINK = r"(?:\s(?:of|and|for|the|de|del|la|y|und|für|der|&)\s|[\s&-]{1,3})"
ORG_BY_END = regex.compile(
    rf"{FREE}{CAPITAL}(?:{LINK}(?:{CAPITAL}|\d+)){{0,4}}\s(?:{LISTS.any_of('COMPANY')}|{LISTS.any_of('INSTITUTION')}){FREE_AFTER}"
)
ORG_BY_START = regex.compile(
    rf"{FREE}{LISTS.any_of('FOUNDED')}(?:\s(?:de|del|la|für|of|the|der))?\s{CAPITAL}(?:\s(?:(?:de|del|la|und|y|&)\s)?{CAPITAL}){{0,2}}"
    rf"(?:\s{LISTS.any_of('COMPANY')}{FREE_AFTER})?"
)


def organisations(text: str, code: str | None) -> Iterator[Span]:
    for match in chain(ORG_BY_END.finditer(text), ORG_BY_START.finditer(text)):
        start = match.start() + _articles(match[0], code)
        if " " in text[start : match.end()]:
            yield Span("ORG", start, match.end())


def _articles(name: str, code: str | None) -> int:
    """Characters of the words before the name: "The", "Our"."""
    length = 0
    for word in name.split(" ")[:-1]:
        if word.casefold() not in empty_words(code):
            break
        length += len(word) + 1
    return length
