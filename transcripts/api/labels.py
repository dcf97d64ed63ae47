"""One speaker, three spellings: every dialect has its own for a voice without a name."""

import re
from collections.abc import Callable, Sequence

NUMBERED = re.compile(r"Speaker (\d+)")
Spelling = Callable[[int], str]
"""From a number that counts from 0."""


def spelled(speakers: Sequence[str], spelling: Spelling) -> dict[str, str]:
    """How each of a transcript's speakers is called; names of known speakers stay as they are."""
    found = {speaker: NUMBERED.fullmatch(speaker) for speaker in speakers}
    return {speaker: spelling(int(number[1]) - 1) if number else speaker for speaker, number in found.items()}


def plain(number: int) -> str:
    return f"Speaker {number + 1}"


def underscored(number: int) -> str:
    return f"SPEAKER_{number:02}"


def letters(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    before, last = divmod(number, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)
