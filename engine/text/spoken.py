"""Digits as recognisers write them: "555-0142", "five five five, oh one", "treinta y cuatro", "zweiundzwanzig"."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex

from engine.text.wordlists import wordlists

FEWEST = 5
"""Digits of a number that is told apart from a count."""
LANGUAGES = ("en", "es", "de")
ALSO = {"oh": "0", "o": "0", "nought": "0", "zwo": "2", "un": "1", "dreissig": "30", "plus": "+", "más": "+", "+": "+"}
TIMES = {"double": 2, "triple": 3, "doble": 2, "doppel": 2, "zweimal": 2, "dreimal": 3}
TOKEN = regex.compile(r"\p{L}+(?:-\p{L}+)?|\d+|\+")
BETWEEN = regex.compile(r"(?:[\s,.\-–/()]|\s(?:and|und|dann|then|luego)\s){1,6}")
"""What may stand between two digits of one number."""
TENS_AND = regex.compile(r"\s(?:y\s)?|-")
""" "treinta y cuatro", "thirty four"."""


@dataclass(frozen=True, slots=True)
class Number:
    """Digits said one after another, where they stand, and how many of them were words."""

    digits: str
    start: int
    end: int
    spoken: int


@dataclass(slots=True)
class _Run:
    start: int
    end: int = 0
    digits: str = ""
    spoken: int = 0
    open_tens: bool = False

    def takes(self, text: str, at: int) -> bool:
        return not self.digits or BETWEEN.fullmatch(text, self.end, at) is not None

    def is_completed_by(self, value: str, text: str, at: int) -> bool:
        """ "treinta" by "cuatro"."""
        return self.open_tens and value in "123456789" and TENS_AND.fullmatch(text, self.end, at) is not None

    def add(self, value: str, end: int, *, said: bool) -> None:
        self.digits += value
        self.end = end
        self.spoken += said
        self.open_tens = said and len(value) == 2 and value[0] > "1" and value[1] == "0"

    def number(self) -> Iterator[Number]:
        if len(self.digits.lstrip("+")) >= FEWEST:
            yield Number(self.digits, self.start, self.end, self.spoken)


def numbers(text: str) -> Iterator[Number]:
    """Every run of at least FEWEST digits, written or said."""
    run = _Run(0)
    repeat: regex.Match[str] | None = None
    for token in TOKEN.finditer(text):
        word = token[0].casefold()
        value = word if word.isdecimal() else values().get(word, "")
        if not value:
            repeat = token if word in TIMES else None
            continue
        at = repeat.start() if repeat else token.start()
        if run.is_completed_by(value, text, at):
            run.digits = run.digits[:-1]
        elif value == "+" or not run.takes(text, at):
            yield from run.number()
            run = _Run(at)
        elif not run.digits:
            run.start = at
        run.add(value * TIMES.get(repeat[0].casefold(), 1) if repeat else value, token.end(), said=not word.isdecimal())
        repeat = None
    yield from run.number()


@cache
def values() -> dict[str, str]:
    found = dict(ALSO)
    for language in LANGUAGES:
        words = wordlists("numbers.txt").words(language)
        found |= {word: str(number) for number, word in enumerate(words[:30])}
        tens = {10 * ten: word for ten, word in enumerate(words[30:], 3)}
        found |= {word: str(ten) for ten, word in tens.items()}
        for ten, word in tens.items():
            for unit in range(1, 10):
                found[_compound(language, word, words[unit])] = str(ten + unit)
    return found


def _compound(language: str, ten: str, unit: str) -> str:
    if language == "de":
        return f"{unit.removesuffix('s') if unit == 'eins' else unit}und{ten}"
    return f"{ten}-{unit}"
