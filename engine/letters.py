"""Letters and words, without a clue what they mean."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.types import Segment, Word

ACCENTS = range(0x0300, 0x0370)
"""Combining marks that Latin, Greek and Cyrillic letters can lose. Indic vowel signs are marks too, and letters."""


def normalized(text: str) -> list[str]:
    return [plain for plain in map(bare, text.split()) if plain]


def bare(word: str) -> str:
    return re.sub(r"[^\w']", "", word).casefold()


def folded(text: str) -> str:
    """Its letters and digits alone, without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in apart if ord(char) not in ACCENTS and unicodedata.category(char)[0] in "LMN")
    return unicodedata.normalize("NFC", "".join(kept))


def script_of(text: str) -> str:
    """`LATIN`, `DEVANAGARI`, `CJK` and so on, of the first letter; "" where there is none."""
    letter = next((char for char in text if char.isalpha()), "")
    return unicodedata.name(letter, "").partition(" ")[0] if letter else ""


def shell(word: str) -> tuple[str, str, str]:
    """The punctuation before a word, the word, and the punctuation behind it."""
    start, end = 0, len(word)
    while start < end and not _letter(word[start]):
        start += 1
    while end > start and not _letter(word[end - 1]):
        end -= 1
    return word[:start], word[start:end], word[end:]


def _letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and what stands between it and the one before."""

    space: str
    word: Word

    def saying(self, text: str) -> "Placed":
        """Another text for it; what was heard first stays on record."""
        if text == self.word.text:
            return self
        return replace(self, word=replace(self.word, text=text, original=self.word.original or self.word.text))


def placed(segment: Segment) -> list[Placed]:
    """The words of a segment, as they stand in its text."""
    at = 0
    found: list[Placed] = []
    for word in segment.words:
        start = segment.text.find(word.text, at)
        space = segment.text[at:start] if start >= at else " "
        found.append(Placed(space if not space.strip() else " ", word))
        at = max(start, at) + len(word.text) if start >= at else at
    return found


def rebuilt(segment: Segment, words: Sequence[Placed]) -> Segment:
    """The segment with these words and the text that they make; at least one word."""
    text = words[0].word.text + "".join(one.space + one.word.text for one in words[1:])
    kept = tuple(one.word for one in words)
    return replace(segment, words=kept, text=text, start=kept[0].start, end=kept[-1].end)


def capitalized(text: str) -> str:
    before, word, after = shell(text)
    return before + word[:1].upper() + word[1:] + after


def joined(segments: Iterable[Segment]) -> str:
    return " ".join(segment.text for segment in segments)
