"""When a caption comes and goes: its words take the new time, and no other word moves."""

from collections.abc import Iterator
from dataclasses import replace

from accounts.models import User
from engine.types import Word
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Transcript
from transcripts.services.editing.desk import Desk, change
from transcripts.services.editing.outcome import Outcome
from transcripts.services.editing.turns import with_words

SHORTEST = 0.1
"""Seconds that a caption stands at least."""


def set_times(
    transcript: Transcript,
    actor: User,
    turn: int,
    base_rev: int,
    first: int,
    last: int,
    start: float,
    end: float,
    key: str = "",
) -> Outcome:
    """Words `first` to `last` of the turn, counted from 0, are spoken from `start` to `end` (seconds), in the rhythm
    that they have. Raises CONFLICT where that would reach into a neighbour's time."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn, base_rev)
        words = now.words
        if not 0 <= first <= last < len(words):
            message = f"The turn has the words 0 to {len(words) - 1}. Nothing was changed."
            raise ServiceError(ErrorCode.INVALID_REQUEST, message)
        before, behind = desk.before(now), desk.behind(now)
        low = words[first - 1].end if first else before.end if before else 0.0
        high = words[last + 1].start if last + 1 < len(words) else behind.start if behind else None
        _demand_room(start, end, min(low, words[first].start), high and max(high, words[last].end))
        moved = [*words[:first], *_moved(words[first : last + 1], start, end), *words[last + 1 :]]
        desk.put(replace(now, segments=with_words(now.segments, moved)))

    return change(transcript, actor, "times", key, make)


def _demand_room(start: float, end: float, low: float, high: float | None) -> None:
    if end - start < SHORTEST:
        message = f"A caption stands for at least {SHORTEST:g} s. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    if start < low or (high is not None and end > high):
        bounds = f"{low:.3f} s" + (f" to {high:.3f} s" if high is not None else " on")
        message = f"That would overlap another caption: there is room from {bounds}. Nothing was changed."
        raise ServiceError(ErrorCode.CONFLICT, message)


def _moved(words: list[Word], start: float, end: float) -> Iterator[Word]:
    old, span = words[0].start, max(word.end for word in words) - words[0].start
    scale = (end - start) / span if span else 0.0
    for index, word in enumerate(words):
        begin = start if index == 0 else round(start + (word.start - old) * scale, 3)
        stop = end if index == len(words) - 1 else round(start + (word.end - old) * scale, 3)
        yield replace(word, start=begin, end=max(begin, stop))
