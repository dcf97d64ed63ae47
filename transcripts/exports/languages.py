"""What captions of a language may look like, and where a script without spaces may be broken."""

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import budoux

HALF = 2
"""Widths are counted in half characters: a letter is 2, but in Chinese, Japanese and Korean a Latin letter is 1."""

_FULL_WIDTH_LANGUAGES = frozenset({"zh", "yue", "ja", "ko"})

# Never at the start of a line, never at the end of one (JIS X 4051 and the W3C's requirements for Chinese, in short).
_NOT_FIRST = frozenset(
    "。、，．・：；？！）］｝」』】》〉〕”’…‥ー々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;?!)]}%％°ๆฯ"
)
_NOT_LAST = frozenset("（［｛「『【《〈〔“‘([{$¥￥£€#")


@dataclass(frozen=True, slots=True)
class Limits:
    """`line` in characters of the language, `aim` and `most` in characters a second."""

    line: int
    aim: int
    most: int


# Netflix's figures per language, partly second-hand: kept in this one table.
_LIMITS = {
    "en": Limits(42, 15, 20),
    "ja": Limits(13, 4, 4),
    "ko": Limits(16, 9, 12),
    "zh": Limits(16, 7, 9),
    "yue": Limits(16, 7, 9),
}
_OTHERS = Limits(42, 15, 17)


def limits(language: str) -> Limits:
    return _LIMITS.get(language, _OTHERS)


@functools.lru_cache(maxsize=1 << 16)
def width(text: str, language: str) -> int:
    """In half characters. Marks above and below a letter take no room."""
    if text.isascii():
        return len(text) if language in _FULL_WIDTH_LANGUAGES else len(text) * HALF
    narrow = 1 if language in _FULL_WIDTH_LANGUAGES else HALF
    total = 0
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
            continue
        total += HALF if unicodedata.east_asian_width(letter) in "WF" else narrow
    return total


# Thai, Lao, Burmese, Khmer, kana, Han, full-width forms: words are not set apart by spaces.
SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uff00-\uffef\U00020000-\U0003ffff]"
)


def guess_language(text: str) -> str:
    """By script alone, for a transcript that does not say: good enough to choose limits, '' when in doubt."""
    for first, last, language in (
        ("\u3040", "\u30ff", "ja"),
        ("\uac00", "\ud7af", "ko"),
        ("\u4e00", "\u9fff", "zh"),
        ("\u0e00", "\u0e7f", "th"),
    ):
        if any(first <= letter <= last for letter in text[:2000]):
            return language
    return ""


def phrases(text: str, language: str) -> list[str]:
    """Cut text without spaces where a line may end. Joined, the pieces are the text again."""
    parse = _parser(language)
    pieces = parse(text) if parse else list(text)
    result: list[str] = []
    for piece in pieces:
        if result and not _may_break(result[-1][-1], piece[0]):
            result[-1] += piece
        else:
            result.append(piece)
    return result


def _may_break(left: str, right: str) -> bool:
    if right in _NOT_FIRST or left in _NOT_LAST or unicodedata.category(right) in ("Mn", "Mc", "Cf"):
        return False
    if not SPACELESS.match(left) and not SPACELESS.match(right):
        return False  # inside a Latin word or a number
    # Thai and Lao vowels that are written before the consonant they follow in speech.
    return left not in "เแโใไເແໂໃໄ"


@functools.cache
def _parser(language: str) -> Callable[[str], list[str]] | None:
    loaders: dict[str, Callable[[], budoux.Parser]] = {
        "ja": budoux.load_default_japanese_parser,
        "zh": budoux.load_default_simplified_chinese_parser,
        "yue": budoux.load_default_traditional_chinese_parser,
        "th": budoux.load_default_thai_parser,
    }
    load = loaders.get(language)
    return load().parse if load else None
