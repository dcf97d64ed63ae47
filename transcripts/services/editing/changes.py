"""One step of the history as JSON: of each touched turn what changed of it, before and after. Taking a step back is
the same step with its sides exchanged, so it is exact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.types import Segment
from transcripts.services.editing.turns import Speaker, TurnState, pack, unpack

Side = dict[str, Any] | None
"""None: there is no such turn. Of one that stays only what differs."""


@dataclass(frozen=True, slots=True)
class Change:
    """`at` is the number of the first segment that differs."""

    turn: int
    at: int
    old: Side
    new: Side

    @property
    def back(self) -> "Change":
        return Change(self.turn, self.at, self.new, self.old)


@dataclass(frozen=True, slots=True)
class Step:
    turns: tuple[Change, ...]
    speakers: tuple[tuple[Speaker, ...], tuple[Speaker, ...]] | None = None

    @property
    def back(self) -> "Step":
        swapped = (self.speakers[1], self.speakers[0]) if self.speakers else None
        return Step(tuple(change.back for change in reversed(self.turns)), swapped)

    def to_json(self) -> dict[str, Any]:
        turns = [{"turn": each.turn, "at": each.at, "old": each.old, "new": each.new} for each in self.turns]
        sides = [[[speaker.id, speaker.name] for speaker in side] for side in self.speakers or ()]
        return {"turns": turns, "speakers": sides or None}


def step_from_json(data: Mapping[str, Any]) -> Step:
    sides = [tuple(Speaker(*speaker) for speaker in side) for side in data["speakers"] or ()]
    return Step(tuple(Change(**each) for each in data["turns"]), (sides[0], sides[1]) if sides else None)


def difference(old: TurnState | None, new: TurnState | None) -> Change:
    """At least one of the two is there, and they are not the same."""
    if old is None or new is None:
        turn = old or new
        assert turn is not None
        return Change(turn.key, 0, _whole(old), _whole(new))
    at, behind = _shared(old.segments, new.segments)
    before, after = _side(old, at, behind), _side(new, at, behind)
    same = [name for name in before if before[name] == after[name]]
    for name in same:
        del before[name], after[name]
    return Change(old.key, at, before, after)


def applied(state: TurnState | None, change: Change, rev: int) -> TurnState | None:
    """`state` is what `change.old` says of it."""
    if change.new is None:
        return None
    if state is None:
        segments = tuple(map(unpack, change.new["segments"]))
        return TurnState(change.turn, change.new["place"], change.new["speaker"], segments, rev)
    segments = state.segments
    if "segments" in change.new:
        gone = len((change.old or {})["segments"])
        fresh = tuple(map(unpack, change.new["segments"]))
        segments = (*segments[: change.at], *fresh, *segments[change.at + gone :])
    return TurnState(state.key, state.place, change.new.get("speaker", state.speaker), segments, rev)


def reassigned(turns: Iterable[tuple[int, int | None]], speaker: int | None) -> Iterator[Change]:
    """`turns` as (key, speaker until now)."""
    return (Change(key, 0, {"speaker": old}, {"speaker": speaker}) for key, old in turns if old != speaker)


def _whole(turn: TurnState | None) -> Side:
    return None if turn is None else {"place": turn.place, **_side(turn, 0, 0)}


def _side(turn: TurnState, at: int, behind: int) -> dict[str, Any]:
    return {"speaker": turn.speaker, "segments": [pack(one) for one in turn.segments[at : len(turn.segments) - behind]]}


def _shared(old: Sequence[Segment], new: Sequence[Segment]) -> tuple[int, int]:
    """How many segments are the same at the start, and how many of the others at the end."""
    most = min(len(old), len(new))
    at = next((index for index in range(most) if old[index] != new[index]), most)
    return at, next((index for index in range(most - at) if old[-1 - index] != new[-1 - index]), most - at)
