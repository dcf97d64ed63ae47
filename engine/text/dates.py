"""Calendar dates, weekdays, months and years, as they are written and said."""

from collections.abc import Iterator

import regex

from engine.text.wordlists import wordlists

LISTS = wordlists("entities.txt")
MONTH, WEEKDAY, ORDINAL = LISTS.any_of("MONTH"), LISTS.any_of("WEEKDAY"), LISTS.any_of("ORDINAL")
COUNT, CURRENCY = LISTS.any_of("COUNT"), LISTS.any_of("CURRENCY")
FREE, FREE_AFTER = r"(?<![\p{L}\p{N}])", r"(?![\p{L}\p{N}])"
YEAR = r"(?:19|20)\d\d"
DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th|\.|º)?|{ORDINAL})"
SAID_YEAR = rf"(?:nineteen|twenty|neunzehnhundert|mil novecientos|dos mil){COUNT}?(?:[\s-](?:y\s)?{COUNT}){{0,3}}"
ANY_YEAR = rf"(?:{YEAR}|{SAID_YEAR})"
DATE = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}.])(?:{YEAR}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})"
    rf"|{DAY}(?:\s(?:of|de))?\s(?:{MONTH}|may)(?:,?\s(?:del?\s|of\s)?{ANY_YEAR})?"
    rf"|(?:{MONTH}|may)\s(?:the\s)?{DAY}(?:,?\s{ANY_YEAR})?|{MONTH}(?:\s(?:del?\s)?{YEAR})?"
    rf"|(?:{ORDINAL}\s)?{WEEKDAY}(?:\sof\s{MONTH})?|(?<![.,$€£]){YEAR}(?![.,]?\d|\s?(?:%|{CURRENCY})))" + FREE_AFTER,
    regex.IGNORECASE,
)
MAY = regex.compile(r"(?<=\b(?:in|of|on|since|until|by|last|next|this|early|late|for|before|after)\s)May\b")
AMBIGUOUS = ("march", "august")
"""Words as well where they have no capital."""


def dates(text: str) -> Iterator[tuple[int, int]]:
    cased = any(char.isupper() for char in text)
    for match in DATE.finditer(text):
        if not (cased and match[0] in AMBIGUOUS):
            yield match.span()
    yield from (match.span() for match in MAY.finditer(text))
