"""Names, dates, times, sums and addresses, by rules: kinds that a form tells are told, other names are just NAME.

Labels: PERSON, ORG, PLACE, NAME, DATE, TIME, MONEY, PERCENT, EMAIL, PHONE, ADDRESS, URL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from engine.text import dates, pii
from engine.text.dates import COUNT, CURRENCY, FREE, FREE_AFTER
from engine.text.languages import empty_words
from engine.text.marked import BREAK, Span, apart, without_breaks
from engine.text.names import CAPITAL, CAPITALISED_NOUNS, NOUN, people
from engine.text.organisations import organisations
from engine.text.types import Line
from engine.text.wordlists import wordlists

LISTS = wordlists("entities.txt")
HALF_DAY = r"(?:[ap]\.?m\b\.?|o'clock|Uhr(?:\s\d\d)?|in the (?:morning|afternoon|evening)|at night)"
PAST = r"(?:\s(?:y (?:media|cuarto)|menos cuarto))"
PART = r"de la (?:mañana|tarde|noche|madrugada)"
TIME = regex.compile(
    rf"{FREE}(?:\d{{1,2}}:\d\d(?:\s?(?:[ap]\.?m\b\.?|Uhr|h\b))?|(?:\d{{1,2}}|{COUNT})\s?{HALF_DAY}"
    rf"|(?:half past|quarter past|quarter to)\s(?:\d{{1,2}}|{COUNT})|halb\s{COUNT}"
    rf"|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s(?:fifteen|thirty|forty[- ]five)"
    rf"|(?<=\blas?\s)(?:\d{{1,2}}(?::\d\d)?|{COUNT}){PAST}?\s{PART}"
    rf"|(?<=\b(?:a|hasta|desde|sobre)\slas?\s)(?:\d{{1,2}}(?::\d\d)?|{COUNT}){PAST}?)" + FREE_AFTER,
    regex.IGNORECASE,
)
NUMBER = r"\d[\d.,]*(?<!\D)(?:\s(?:hundred|thousand|million|billion|mil|millones|Tausend|Millionen|k))?"
SAID = rf"{COUNT}(?:[\s-](?:(?:and|y|und)\s)?{COUNT}){{0,7}}"
AMOUNT = regex.compile(rf"(?<![\p{{L}}\p{{N}}])(?:{NUMBER}|{SAID}|\d[\d.,]*)\s?$", regex.IGNORECASE)
SYMBOL_FIRST = regex.compile(rf"[$€£¥]\s?{NUMBER}" + FREE_AFTER, regex.IGNORECASE)
CURRENCIES = regex.compile(rf"(?:[$€£¥]|(?<!\p{{L}}){CURRENCY})(?:\s{COUNT})?" + FREE_AFTER, regex.IGNORECASE)
PERCENTS = regex.compile(rf"{LISTS.any_of('PERCENT')}(?!\p{{L}})", regex.IGNORECASE)
LONGEST_AMOUNT = 80
"""Characters."""
URL = regex.compile(r"(?<![\p{L}\p{N}])(?:https?://|www\.)[^\s<>\"\x00]{2,300}(?<![.,;:!?)\]])", regex.IGNORECASE)
PLACE = regex.compile(rf"{FREE}{LISTS.any_of('place')}{FREE_AFTER}")
STRETCH = rf"{CAPITAL}(?:(?:\s(?:de|del|la|am|an der|upon)\s|[\s]){CAPITAL}){{0,2}}"
SOMEWHERE = {
    "en": regex.compile(rf"(?<![\p{{L}}])(?:in|near|outside|to|from|via)\s(?P<place>{STRETCH})"),
    "es": regex.compile(rf"(?<![\p{{L}}])(?:en|a|de|desde|hasta|hacia)\s(?P<place>{STRETCH})"),
    "de": regex.compile(rf"(?<![\p{{L}}])(?:in|aus|nach)\s(?P<place>{CAPITAL})"),
}
NO_PLACE = frozenset(LISTS.words("no_place"))
NO_NAME = regex.compile(rf"(?:I|OK|Okay|TV|{LISTS.any_of('language_adjective')})(?:['’].*)?")
RUN = regex.compile(rf"{FREE}{CAPITAL}(?:\s{CAPITAL}){{0,3}}")
STARTS = regex.compile(rf"(?:^|[.!?:…¿¡\"“„«{BREAK}]\s*|-\s+)$")
"""Behind this a capital says nothing."""


@dataclass(frozen=True, slots=True)
class Entity:
    text: str
    label: str
    start: int
    end: int


def entities(lines: Sequence[Line], code: str | None) -> list[Entity]:
    text = without_breaks(lines)
    found = apart(_all(text, lines, code), len(text))
    return [Entity(text[one.start : one.end], one.label, one.start, one.end) for one in found]


def _all(text: str, lines: Sequence[Line], code: str | None) -> Iterator[Span]:
    """The surest first."""
    yield from (Span("URL", *match.span()) for match in URL.finditer(text))
    yield from pii.contacts(text, code)
    yield from (Span("MONEY", *match.span()) for match in SYMBOL_FIRST.finditer(text))
    yield from _amounts("MONEY", CURRENCIES, text)
    yield from _amounts("PERCENT", PERCENTS, text)
    yield from (Span("TIME", *match.span()) for match in TIME.finditer(text))
    yield from (Span("DATE", *place) for place in dates.dates(text))
    yield from organisations(text, code)
    yield from people(text, lines, code)
    yield from (Span("PLACE", *match.span()) for match in PLACE.finditer(text))
    yield from _places(text, code)
    if code not in CAPITALISED_NOUNS:
        yield from _other_names(text, code)


def _amounts(label: str, unit: regex.Pattern[str], text: str) -> Iterator[Span]:
    """Read backwards from the unit: every other word may begin a number that never gets one."""
    for found in unit.finditer(text):
        amount = AMOUNT.search(text, max(0, found.start() - LONGEST_AMOUNT), found.start())
        if amount:
            yield Span(label, amount.start(), found.end())


def _places(text: str, code: str | None) -> Iterator[Span]:
    pattern = SOMEWHERE.get(code or "")
    for match in pattern.finditer(text) if pattern else ():
        word = match["place"]
        noun = code in CAPITALISED_NOUNS and NOUN.fullmatch(word)
        if not (noun or word in NO_PLACE or NO_NAME.fullmatch(word) or word.casefold() in empty_words(code)):
            yield Span("PLACE", *match.span("place"))


def _other_names(text: str, code: str | None) -> Iterator[Span]:
    """Capitals in the middle of a sentence."""
    for run in RUN.finditer(text):
        start = run.start()
        words = run[0].split(" ")
        if STARTS.search(text, max(0, start - 6), start) and (
            len(words) == 1 or words[0].casefold() in empty_words(code)
        ):
            start += len(words.pop(0)) + 1
        while words and (words[0].casefold() in empty_words(code) or NO_NAME.fullmatch(words[0])):
            start += len(words.pop(0)) + 1
        if words and len(words[0]) > 1:
            yield Span("NAME", start, start + len(" ".join(words)))
