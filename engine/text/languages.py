"""Which language a text is in, where nobody says, and which of its words have a meaning of their own.

Function words are known for 33 languages (stop-words); how people ask and promise only for those with a phrasebook.
"""

from collections.abc import Iterable
from functools import cache

import regex
from stop_words import LANGUAGE_MAPPING, safe_get_stop_words

from engine.text.phrasebook import Phrasebook, languages, phrasebook

LOOKED_AT = 20_000
"""Characters that say which language a text is in."""
ENOUGH = 0.15
"""Share of function words without which a language is not named."""
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*")
NO_WORDS = regex.compile(r"[\p{L}\p{M}]{60}")
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Letters of scripts that put no space between words."""


def language_of(texts: Iterable[str], named: str | None) -> str | None:
    """`en` of `en-US`; what it looks like where nothing is named."""
    code = (named or "").replace("_", "-").partition("-")[0].casefold()
    return code if 2 <= len(code) <= 3 else guessed(" ".join(texts))


def guessed(text: str) -> str | None:
    """The language of which the text has most function words; None where it has few of any."""
    words = WORD.findall(text[:LOOKED_AT].casefold())
    if not words:
        return None
    found = {code: sum(word in listed(code) for word in words) / len(words) for code in LANGUAGE_MAPPING}
    best = max(found, key=lambda code: (found[code], code in languages()))
    return best if found[best] >= ENOUGH else None


def has_words(text: str) -> bool:
    """The patterns of a phrasebook look for words, and take their time where there are none."""
    return NO_WORDS.search(text) is None


def phrasebooks(code: str | None) -> tuple[Phrasebook, ...]:
    """That of the language, none where we have none; all of them where nobody knows the language."""
    books = languages() if code is None else (code,)
    return tuple(book for book in map(phrasebook, books) if book)


@cache
def listed(code: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in safe_get_stop_words(code)) if code in LANGUAGE_MAPPING else frozenset()


@cache
def empty_words(code: str | None) -> frozenset[str]:
    """Function words, and the fillers of talk where we know them."""
    book = phrasebook(code)
    return listed(code or "") | (book.fillers if book else frozenset())


def words_of(text: str) -> list[str]:
    """Lower-cased words; where a script has no spaces, pairs of its letters."""
    found: list[str] = []
    for word in WORD.findall(text.casefold()):
        if len(word) > 1 and UNSPACED.search(word):
            found += (word[at : at + 2] for at in range(len(word) - 1))
        else:
            found.append(word)
    return found


def content_words(text: str, code: str | None) -> list[str]:
    empty = empty_words(code)
    return [word for word in words_of(text) if len(word) > 1 and word not in empty and not word.isdigit()]
