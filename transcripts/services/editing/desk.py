"""A document opened for one change: locked, read as far as needed, written with its history in one transaction."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Edit, JobState, Transcript, Turn, Version
from transcripts.services import index
from transcripts.services.editing import rows
from transcripts.services.editing.changes import Change, Step, difference
from transcripts.services.editing.outcome import EditConflict, Outcome, view
from transcripts.services.editing.turns import Speaker, TurnState

Kind = Literal[
    "text",
    "accept",
    "split",
    "merge",
    "speaker",
    "rename",
    "merge_speakers",
    "replace",
    "times",
    "undo",
    "redo",
    "restore",
]
NEEDED = ("id", "rev", "version", "word_count", "speakers", "edited_at", "created_at", "job")


class Desk:
    """What `change` hands to whoever makes the change."""

    def __init__(self, transcript: Transcript, version: Version) -> None:
        self.version = version
        self.number = transcript.rev + 1
        self.speakers = tuple(Speaker(*each) for each in version.speakers)
        self.replaced: int | None = None
        self.target: Edit | None = None
        """The edit that is taken back or done again."""
        self._transcript = transcript
        self._speakers_before = self.speakers
        self._before: dict[int, TurnState] = {}
        self._now: dict[int, TurnState | None] = {}
        self._assigned: list[Change] = []

    def turn(self, key: int, base_rev: int | None = None, yours: str | None = None) -> TurnState:
        """Raises NOT_FOUND for one that never was; EditConflict for one that is gone, or is not as `base_rev` says."""
        if (found := self._first(key=key)) is None:
            if key >= (self.version.next_key or 0):
                raise ServiceError(ErrorCode.NOT_FOUND)
            raise EditConflict(None, yours)
        if base_rev is not None and base_rev != found.rev:
            raise EditConflict(view(found), yours)
        return found

    def turns(self, keys: Collection[int]) -> dict[int, TurnState]:
        """Those that are there."""
        return {row.key: self._read(row) for row in self._rows.filter(key__in=keys)} if keys else {}

    def before(self, turn: TurnState) -> TurnState | None:
        return self._first("-place", place__lt=turn.place)

    def behind(self, turn: TurnState) -> TurnState | None:
        return self._first("place", place__gt=turn.place)

    def texts(self) -> list[tuple[int, str]]:
        """Of all turns, by key."""
        return list(self._rows.values_list("key", "text"))

    def voices(self, from_place: int = 0) -> list[tuple[int, int | None]]:
        """The speakers of all turns from a place on, by key."""
        return list(self._rows.filter(place__gte=from_place).values_list("key", "speaker"))

    def new_key(self) -> int:
        """Of a turn or a speaker: never one that was used before."""
        key = self.version.next_key or 0
        self.version.next_key = key + 1
        return key

    def put(self, turn: TurnState) -> None:
        self._now[turn.key] = replace(turn, rev=self.number)

    def remove(self, key: int) -> None:
        self._now[key] = None

    def assign(self, changes: Iterable[Change]) -> None:
        """Speakers of turns of which nothing else changes."""
        self._assigned += changes

    def close(self, kind: Kind, actor: User, key: str) -> Outcome:
        step = self._step()
        if not step.turns and step.speakers is None:
            return self.outcome(None, ())
        self._write()
        Edit.objects.create(
            transcript=self._transcript,
            version=self.version,
            number=self.number,
            kind=kind,
            actor=actor,
            key=key,
            changes=step.to_json(),
            base=self.version.head,
            target=None if self.target is None else self.target.number,
        )
        self._move(kind)
        return self.outcome(self.number, [change.turn for change in step.turns])

    def outcome(self, edit: int | None, keys: Collection[int]) -> Outcome:
        """How the turns of `keys` stand now."""
        assigned = {change.turn for change in self._assigned}
        shown = [
            *rows.views(self._rows.filter(key__in=set(keys) - assigned), words=True),
            *rows.views(self._rows.filter(key__in=assigned), words=False),
        ]
        return Outcome(
            rev=self._transcript.rev,
            edit=edit,
            changed=tuple(sorted(shown, key=lambda turn: turn.place)),
            removed=tuple(sorted(set(keys) - {turn.id for turn in shown})),
            speakers=self.speakers,
            can_undo=bool(self.version.head),
            can_redo=bool(self.version.undone),
            word_count=self._transcript.word_count,
            replaced=self.replaced,
        )

    @property
    def _rows(self) -> QuerySet[Turn]:
        return Turn.objects.filter(version=self.version)

    def _first(self, *order: str, **where: int) -> TurnState | None:
        row = self._rows.filter(**where).order_by(*order or ("place",)).first()
        return None if row is None else self._read(row)

    def _read(self, row: Turn) -> TurnState:
        self._before[row.key] = rows.state_of(row)
        return self._before[row.key]

    def _step(self) -> Step:
        self._now = {key: state for key, state in self._now.items() if state != self._before.get(key)}
        turns = [difference(self._before.get(key), state) for key, state in self._now.items()]
        named = (self._speakers_before, self.speakers) if self.speakers != self._speakers_before else None
        return Step((*turns, *self._assigned), named)

    def _write(self) -> None:
        gone = [key for key, state in self._now.items() if state is None]
        fresh = [state for state in self._now.values() if state is not None]
        if gone:
            self._rows.filter(key__in=gone).delete()
        if fresh:
            rows.write(self.version, fresh)
        for speaker in {(change.new or {})["speaker"] for change in self._assigned}:
            keys = [change.turn for change in self._assigned if (change.new or {})["speaker"] == speaker]
            self._rows.filter(key__in=keys).update(speaker=speaker, rev=self.number)
        was = sum(self._before[key].word_count for key in self._now if key in self._before)
        self._transcript.word_count += sum(state.word_count for state in fresh) - was

    def _move(self, kind: Kind) -> None:
        """An undo and a redo go along the history; all else adds to it, and what was undone is over."""
        version, transcript = self.version, self._transcript
        if kind == "undo" and self.target is not None:
            version.head, version.undone = self.target.base, [*version.undone, self.target.number]
        elif kind == "redo" and self.target is not None:
            version.head, version.undone = self.target.number, version.undone[:-1]
        else:
            version.head, version.undone = self.number, []
        version.speakers = [[speaker.id, speaker.name] for speaker in self.speakers]
        version.save(update_fields=["head", "undone", "next_key", "speakers"])
        transcript.rev = self.number
        transcript.edited_at = timezone.now() if version.head else None
        transcript.speakers = [speaker.name for speaker in self.speakers]
        transcript.save(update_fields=["rev", "edited_at", "word_count", "speakers"])
        index.want(transcript.pk, rest=index.REST)


@transaction.atomic
def change(transcript: Transcript, actor: User, kind: Kind, key: str, make: Callable[[Desk], None]) -> Outcome:
    """`make` puts what is to be changed on the desk. A `key` that named a change before changes nothing again."""
    desk = _opened(transcript)
    before = Edit.objects.filter(transcript=transcript, key=key).first() if key else None
    if before is not None:
        touched = before.changes["turns"] if before.version_id == desk.version.pk else ()
        return desk.outcome(before.number, [each["turn"] for each in touched])
    make(desk)
    return desk.close(kind, actor, key)


def _opened(transcript: Transcript) -> Desk:
    """Whoever comes second waits here for the first to be done."""
    locked = Transcript.objects.select_for_update().only(*NEEDED).filter(pk=transcript.pk, trashed_at=None).first()
    if locked is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    if locked.job.state != JobState.SUCCEEDED:
        raise ServiceError(ErrorCode.NOT_READY)
    version = own_version(locked)
    if version.next_key is None:
        rows.make_rows(locked, version)
        version.save(update_fields=["next_key", "speakers"])
    return Desk(locked, version)


def own_version(transcript: Transcript) -> Version:
    """The version that is shown, as a row: it is made when it is first needed."""
    found, _ = Version.objects.get_or_create(
        transcript=transcript,
        number=transcript.version,
        defaults={"job_id": transcript.job_id, "created_at": transcript.created_at},
    )
    return found
