"""Other words for a turn, one turn made two, two made one."""

from collections.abc import Collection
from dataclasses import replace

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Transcript
from transcripts.services.editing.desk import Desk, change
from transcripts.services.editing.outcome import Outcome
from transcripts.services.editing.turns import GAP, TurnState, cut, with_words
from transcripts.services.editing.words import atoms, rewritten, tidy

MOST_LETTERS = 50_000
"""In one turn."""


def edit(transcript: Transcript, actor: User, turn: int, base_rev: int, text: str, key: str = "") -> Outcome:
    """Raises EditConflict where the turn is not the one that was edited; a text that stands there already is none."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn, yours=text)
        said = saying(now, text)
        if said.segments != now.segments:
            desk.turn(turn, base_rev, text)
            desk.put(said)

    return change(transcript, actor, "text", key, make)


def accept(
    transcript: Transcript, actor: User, turn: int, base_rev: int, words: Collection[int], key: str = ""
) -> Outcome:
    """Words of the turn, counted from 0, are right as they are: a person has looked, so their probability is 1."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn, base_rev)
        if max(words, default=0) >= len(now.words):
            raise ServiceError(ErrorCode.INVALID_REQUEST, f"The turn has {len(now.words)} words. Nothing was changed.")
        sure = [replace(word, probability=1.0) if at in words else word for at, word in enumerate(now.words)]
        desk.put(replace(now, segments=with_words(now.segments, sure)))

    return change(transcript, actor, "accept", key, make)


def split(
    transcript: Transcript, actor: User, turn: int, base_rev: int, before: str, after: str, key: str = ""
) -> Outcome:
    """The first half keeps the turn's id. The halves may say something new as well."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn, base_rev, f"{before}\n{after}")
        count = len(atoms(tidy(before)))
        if not count or not atoms(after):
            raise ServiceError(ErrorCode.INVALID_REQUEST, "Both halves of a turn need words. Nothing was changed.")
        halves = cut(saying(now, f"{before} {after}").segments, count)
        left, right = (replace(now, segments=half) for half in halves)
        desk.put(left)
        desk.put(replace(right, key=desk.new_key(), place=_place_between(now, left, right, desk.behind(now))))

    return change(transcript, actor, "split", key, make)


def merge(transcript: Transcript, actor: User, turn: int, base_rev: int, key: str = "") -> Outcome:
    """Into the turn before, whose speaker says it all then. Raises CONFLICT for the first."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn, base_rev)
        into = desk.before(now)
        if into is None:
            raise ServiceError(ErrorCode.CONFLICT, "There is no turn before the first. Nothing was changed.")
        spoken = [segment for segment in (*into.segments, *now.segments) if segment.text]
        desk.put(replace(into, segments=tuple(spoken) or into.segments))
        desk.remove(now.key)

    return change(transcript, actor, "merge", key, make)


def saying(turn: TurnState, text: str) -> TurnState:
    if len(text) > MOST_LETTERS:
        message = f"A turn has at most {MOST_LETTERS} characters; this one would have {len(text)}. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return replace(turn, segments=rewritten(turn.segments, text))


def _place_between(turn: TurnState, left: TurnState, right: TurnState, behind: TurnState | None) -> int:
    """Room is shared by words, so that it lasts until every word is a turn."""
    room = (behind.place if behind else turn.place + GAP) - turn.place
    share = len(atoms(left.text)) / (len(atoms(left.text)) + len(atoms(right.text)))
    if room < 2:
        raise ServiceError(ErrorCode.CONFLICT, "No more turns fit between these two. Nothing was changed.")
    return turn.place + min(max(1, int(room * share)), room - 1)
