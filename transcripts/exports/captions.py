"""Words to captions: where to cut (dynamic programming), what to join, when each comes and goes.

Text and sync come before duration, duration before reading speed, speed before pretty breaks; no word is dropped.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.types import Transcript
from transcripts.exports import breaks
from transcripts.exports.caption_cuts import Draft, draft_of, drafts
from transcripts.exports.caption_layout import (
    PROFILES,
    Profile,
    ProfileName,
    by_words,
    join,
    line_width,
    lines,
    reading_ms,
    text_width,
)
from transcripts.exports.caption_words import Unit, units
from transcripts.exports.languages import HALF, limits

JOIN_WITHIN = 1000
LAST_RESORT = 125
"""Three frames: what a caption gets when its words leave it no time at all."""


@dataclass(frozen=True, slots=True)
class Line:
    units: tuple[Unit, ...]
    dash: bool

    @property
    def text(self) -> str:
        return ("-" if self.dash else "") + join(self.units)

    @property
    def speaker(self) -> str | None:
        return self.units[0].speaker


@dataclass(frozen=True, slots=True)
class Cue:
    """`start` and `end` in milliseconds."""

    start: int
    end: int
    lines: tuple[Line, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(unit for line in self.lines for unit in line.units)

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Report:
    """Captions that break a soft rule, by their number from 1: too fast to read, too short, ending on a weak word."""

    fast: tuple[int, ...]
    short: tuple[int, ...]
    weak: tuple[int, ...]


def cues(transcript: Transcript, profile: ProfileName = "standard", *, labels: bool = False) -> list[Cue]:
    """`labels`: a change of voice begins with the speaker's name, counted in the line's length."""
    rules = PROFILES[profile]
    stream = units(transcript, labels=labels)
    result = _timed(_join_short(drafts(stream, rules), rules), rules)
    _assert_sound(result, stream, rules)
    return result


def report(captions: Sequence[Cue], profile: ProfileName = "standard") -> Report:
    rules = PROFILES[profile]
    fast, short, weak = [], [], []
    for number, cue in enumerate(captions, start=1):
        if reading_ms(cue.units, rules) > cue.end - cue.start:
            fast.append(number)
        if cue.end - cue.start < rules.shortest:
            short.append(number)
        last = cue.units[-1]
        if breaks.weak_end(last.text, last.language):
            weak.append(number)
    return Report(tuple(fast), tuple(short), tuple(weak))


@dataclass(frozen=True, slots=True)
class Measure:
    """How a caption reads. `speed` and `most` are in `unit`; `widest` and `line` in characters of the language."""

    speed: float
    most: int
    unit: Literal["characters a second", "words a minute"]
    widest: float
    line: int


def measure(cue: Cue, profile: ProfileName = "standard") -> Measure:
    rules = PROFILES[profile]
    language = cue.units[0].language
    seconds = (cue.end - cue.start) / 1000
    widest = max(text_width(line.units) for line in cue.lines) / HALF
    line = line_width(rules, language) // HALF
    if ms := by_words(rules, language):
        words = sum(not unit.label for unit in cue.units)
        return Measure(words * 60 / seconds, 60_000 // ms, "words a minute", widest, line)
    letters = text_width(cue.units) / HALF
    return Measure(letters / seconds, limits(language).most, "characters a second", widest, line)


def speech_end_for(cue: Cue, start: int, out: int, profile: ProfileName = "standard") -> int:
    """When its last word has to end for the caption, coming at `start`, to go at `out`: a caption that needs the time
    to be read stands on after its words, by the profile's `hang` at most."""
    rules = PROFILES[profile]
    needed = start + max(rules.shortest, reading_ms(cue.units, rules))
    return out if out >= needed else max(out - rules.hang, start + 1)


def _join_short(cuts: list[Draft], rules: Profile) -> list[Draft]:
    """A caption that cannot stand long enough goes together with a neighbour, the same voice first."""
    waiting = cuts[::-1]
    done: list[Draft] = []
    while waiting:
        draft = waiting.pop()
        following = waiting[-1] if waiting else None
        if _slot(draft, following, rules) >= rules.shortest:
            done.append(draft)
            continue
        before = _joined(done[-1], draft, rules) if done else None
        behind = _joined(draft, following, rules) if following else None
        if before and (not behind or _strangeness(done[-1], draft) <= _strangeness(draft, waiting[-1])):
            done.pop()
            waiting.append(before)
        elif behind:
            waiting[-1] = behind
        else:
            done.append(draft)
    return done


def _strangeness(left: Draft, right: Draft) -> tuple[bool, int]:
    return left.units[-1].speaker != right.units[0].speaker, right.start - left.speech_end


def _joined(left: Draft, right: Draft, rules: Profile) -> Draft | None:
    if right.start - left.speech_end > JOIN_WITHIN or left.units[0].language != right.units[0].language:
        return None
    both = left.units + right.units
    if max(left.speech_end, right.speech_end) - left.start > rules.longest or lines(both, rules) is None:
        return None
    return draft_of(both)


def _wished_end(draft: Draft, rules: Profile) -> int:
    wish = max(rules.shortest, reading_ms(draft.units, rules))
    latest = max(draft.speech_end + rules.hang, draft.start + rules.shortest)
    return max(draft.speech_end, min(draft.start + wish, latest))


def _slot(draft: Draft, following: Draft | None, rules: Profile) -> int:
    end = _wished_end(draft, rules)
    if following and following.start - end < rules.close:
        end = following.start - rules.gap
    return end - draft.start


def _timed(cuts: list[Draft], rules: Profile) -> list[Cue]:
    result = []
    for index, draft in enumerate(cuts):
        following = cuts[index + 1] if index + 1 < len(cuts) else None
        end = max(min(_wished_end(draft, rules), draft.start + rules.longest), draft.start + LAST_RESORT)
        if following:
            if following.start - end < rules.close:
                end = following.start - rules.gap
                if end - draft.start < rules.shortest // 2:
                    end = following.start
            end = max(min(end, draft.start + rules.longest), draft.start + LAST_RESORT)
            following.start = max(following.start, end)
        broken = lines(draft.units, rules)
        assert broken is not None, "every caption was cut to fit"
        two_voices = broken[0][0].speaker != broken[-1][0].speaker
        result.append(Cue(draft.start, end, tuple(Line(tuple(line), two_voices) for line in broken)))
    return result


def _assert_sound(captions: Sequence[Cue], stream: Sequence[Unit], rules: Profile) -> None:
    """A wrong caption file is worse than none."""
    assert [unit for cue in captions for unit in cue.units] == list(stream), "words in are words out"
    for cue in captions:
        assert 0 < cue.end - cue.start <= rules.longest, "a caption stands for a moment, and not for ever"
    for cue, following in itertools.pairwise(captions):
        assert cue.end <= following.start, "captions do not overlap"
