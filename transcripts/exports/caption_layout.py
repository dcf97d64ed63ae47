"""How wide, how fast, how many lines: the profiles as data, and the breaking of one caption into lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from transcripts.exports import breaks
from transcripts.exports.caption_words import Unit
from transcripts.exports.languages import HALF, limits, width

LINES = 2

ProfileName = Literal["standard", "bbc"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Times in milliseconds. Sources: Netflix's timing and language guides; the BBC's subtitle guidelines 3-5."""

    line: int
    """Characters a line holds at most, even where the language would allow more."""
    shortest: int
    longest: int
    gap: int
    """What stays free between two captions."""
    close: int
    """A pause shorter than this is closed to `gap`."""
    hang: int
    """How long a caption may stay after its last word, for the reader."""
    ms_per_word: int | None
    """Reading time by words; None: by the language's characters a second."""


PROFILES: dict[ProfileName, Profile] = {
    "standard": Profile(line=42, shortest=833, longest=7000, gap=83, close=500, hang=500, ms_per_word=None),
    "bbc": Profile(line=37, shortest=833, longest=7000, gap=0, close=1000, hang=1500, ms_per_word=300),
}


def line_width(profile: Profile, language: str) -> int:
    return min(profile.line, limits(language).line) * HALF


def by_words(profile: Profile, language: str) -> int | None:
    """Reading time of a word, where the profile counts by words and the language sets them apart."""
    return profile.ms_per_word if limits(language).line >= profile.line else None


def reading_ms(units: Sequence[Unit], profile: Profile) -> int:
    """How long the caption has to stand to be read at the fastest speed allowed."""
    language = units[0].language
    if ms := by_words(profile, language):
        return ms * sum(not unit.label for unit in units)
    return text_width(units) * 1000 // (limits(language).most * HALF)


def text_width(units: Sequence[Unit]) -> int:
    language = units[0].language
    space = width(" ", language)
    return width(units[0].text, language) + sum(
        width(unit.text, language) + (space if unit.space else 0) for unit in units[1:]
    )


def join(units: Sequence[Unit]) -> str:
    return units[0].text + "".join(f" {unit.text}" if unit.space else unit.text for unit in units[1:])


def lines(units: Sequence[Unit], profile: Profile) -> list[Sequence[Unit]] | None:
    """One voice: at most two lines. Two voices: a line each, with room for the dash. None: it does not fit."""
    limit = line_width(profile, units[0].language)
    voices = _voices(units)
    if len(voices) == 1:
        return _break(units, limit)
    dash = width("-", units[0].language)
    if len(voices) == LINES and all(text_width(voice) + dash <= limit for voice in voices):
        return voices
    return None


def _voices(units: Sequence[Unit]) -> list[Sequence[Unit]]:
    cuts = [index for index in range(1, len(units)) if units[index].speaker != units[index - 1].speaker]
    return [units[start:end] for start, end in zip([0, *cuts], [*cuts, len(units)], strict=True)]


def _break(units: Sequence[Unit], limit: int) -> list[Sequence[Unit]] | None:
    if len(units) == 1 or text_width(units) <= limit:
        return [units]
    best: tuple[float, int] | None = None
    for cut in range(1, len(units)):
        first, second = units[:cut], units[cut:]
        if (text_width(first) > limit and cut > 1) or (text_width(second) > limit and len(second) > 1):
            continue
        cost = _break_cost(first, second, limit)
        if best is None or cost < best[0]:
            best = (cost, cut)
    return [units[: best[1]], units[best[1] :]] if best else None


def _break_cost(first: Sequence[Unit], second: Sequence[Unit], limit: int) -> float:
    left, right = first[-1], second[0]
    first_width, second_width = text_width(first), text_width(second)
    cost = 5 * abs(first_width - second_width) / limit
    if breaks.ending(left.text):
        cost -= 3
    if min(first_width, second_width) < limit // 8:
        cost += 4
    if left.label:
        cost += 8
    return cost + 0.8 * pair_cost(left, right)


def pair_cost(left: Unit, right: Unit) -> int:
    """What it costs to part two neighbours, punctuation aside."""
    cost = 0
    if breaks.weak_end(left.text, left.language) or breaks.weak_begin(right.text, right.language):
        cost += 5
    if breaks.belong_together(left.text, right.text):
        cost += 4
    return cost
