"""Captions to look at, and their times to change. A caption has no row of its own: it is cut from the words, so a new
time is given to its words, and every export follows."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.exports import captions
from transcripts.exports.caption_layout import ProfileName
from transcripts.exports.captions import Cue
from transcripts.exports.text import to_ms
from transcripts.models import Transcript
from transcripts.services.editing import times
from transcripts.services.editing.outcome import TurnView


@dataclass(frozen=True, slots=True)
class Span:
    """The words of one turn that a caption shows, by their numbers in the turn; seconds."""

    turn: int
    rev: int
    first: int
    last: int
    start: float
    end: float

    def __str__(self) -> str:
        """What a form remembers it by."""
        return f"{self.turn}.{self.rev}.{self.first}.{self.last}"


def can_undo(transcript: Transcript) -> bool:
    return selectors.turns(transcript).can_undo


def cues(transcript: Transcript, profile: ProfileName) -> list[Cue]:
    """As the subtitle files have them that name no speakers."""
    return captions.cues(selectors.document(transcript), profile)


def spans(transcript: Transcript, shown: Sequence[Cue], number: int) -> list[Span]:
    """Of the caption with that number, from 1. None where its words have no times of their own."""
    start = shown[number - 1].units[0].start
    behind = shown[number].units[0].start if number < len(shown) else None
    found = []
    for turn in selectors.turns(transcript, words=True).turns:
        span = _span(turn, start, behind)
        if span is not None:
            found.append(span)
    return found


def _span(turn: TurnView, start: int, behind: int | None) -> Span | None:
    words = turn.words or ()
    until = behind if behind is not None else sys.maxsize
    mine = [at for at, word in enumerate(words) if start <= to_ms(word.start) < until]
    if not mine:
        return None
    first, last = mine[0], mine[-1]
    return Span(turn.id, turn.rev, first, last, words[first].start, max(word.end for word in words[first : last + 1]))


def retime(
    transcript: Transcript, actor: User, cue: Cue, mine: Sequence[Span], start: int, out: int, profile: ProfileName
) -> None:
    """The caption comes at `start` and goes at `out` (milliseconds), as far as the profile's rules let it. Its first
    words move with the one, its last with the other; no other words do. Raises CONFLICT, INVALID_REQUEST."""
    if not mine:
        message = "The words of this caption have no times of their own. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    if out <= start:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "A caption goes after it has come. Nothing was changed.")
    begin, end = _asked(cue, mine, start, out, profile)
    first, last = mine[0], mine[-1]
    if first is last:
        _set(transcript, actor, first, begin, end)
        return
    with transaction.atomic():
        _set(transcript, actor, first, begin, first.end)
        _set(transcript, actor, last, last.start, end)


def _asked(cue: Cue, mine: Sequence[Span], start: int, out: int, profile: ProfileName) -> tuple[float, float]:
    """Where the first word begins and the last one ends. A time that stays as it is moves no word."""
    begin = mine[0].start if start == cue.start else start / 1000
    end = mine[-1].end
    if out != cue.end:
        end = captions.speech_end_for(cue, start, out, profile) / 1000
    return begin, end


def _set(transcript: Transcript, actor: User, span: Span, start: float, end: float) -> None:
    if (start, end) == (span.start, span.end):
        return
    times.set_times(transcript, actor, span.turn, span.rev, span.first, span.last, start, end)
