"""The document, its history and its versions, to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Edit, Transcript, Turn, Version
from transcripts.services.editing import rows
from transcripts.services.editing.changes import Change, Side, step_from_json
from transcripts.services.editing.outcome import Document, view
from transcripts.services.editing.turns import Speaker, joined, unpack
from transcripts.services.editing.words import compared

SENTENCES = {
    "text": "Corrected a turn",
    "accept": "Accepted doubtful words",
    "split": "Split a turn",
    "merge": "Merged two turns",
    "speaker": "Changed who speaks",
    "rename": "Renamed a speaker",
    "merge_speakers": "Merged two speakers",
    "replace": "Replaced text",
    "times": "Changed the times of a caption",
    "undo": "Took a change back",
    "redo": "Did a change again",
    "restore": "Restored an earlier state",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of the history. `target` is the step that it takes back or does again, `turns` how many it touched."""

    number: int
    kind: str
    summary: str
    at: datetime
    by: str | None
    target: int | None
    turns: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class TurnDiff:
    """The sentences of a turn that one step changed. None: there was, or is, no such turn."""

    id: int
    before: str | None
    after: str | None
    speaker_before: str | None
    speaker_after: str | None

    @property
    def diff(self) -> list[tuple[str, str]]:
        return compared(self.before or "", self.after or "")


@dataclass(frozen=True, slots=True)
class VersionView:
    number: int
    kind: str
    current: bool
    created_at: datetime
    model: str
    word_count: int
    edits: int
    version: Version | None
    """None: the only one, which nobody has edited."""


def document(transcript: Transcript, *, words: bool) -> Document:
    version = rows.version_of(transcript)
    if version is None or version.next_key is None:
        speakers, states = rows.first_states(transcript, version, words=words)
        turns = [view(state, words=words) for state in states]
    else:
        speakers = [Speaker(*each) for each in version.speakers]
        turns = list(rows.views(Turn.objects.filter(version=version), words=words))
    return Document(
        version=transcript.version,
        rev=transcript.rev,
        edited=bool(version and version.head),
        speakers=tuple(speakers),
        turns=tuple(turns),
        can_undo=bool(version and version.head),
        can_redo=bool(version and version.undone),
        word_count=transcript.word_count,
    )


def history(transcript: Transcript, before: int | None, limit: int) -> list[Entry]:
    """Of the version that is shown, the last step first."""
    version = rows.version_of(transcript)
    steps = _steps(transcript)
    page = steps.filter(number__lt=before) if before is not None else steps
    standing = _in_force(version) if version else set()
    return [_entry(edit, standing) for edit in page.order_by("-number")[:limit]]


def diff(transcript: Transcript, number: int) -> tuple[Entry, list[TurnDiff]]:
    """Raises NOT_FOUND."""
    version, edit = rows.version_of(transcript), _steps(transcript).filter(number=number).first()
    if version is None or edit is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    step = step_from_json(edit.changes)
    sides = step.speakers or ((), ())
    names = dict(version.speakers) | {speaker.id: speaker.name for side in sides for speaker in side}
    return _entry(edit, _in_force(version)), [_turn_diff(change, names) for change in step.turns]


def renamed(transcript: Transcript, number: int) -> list[tuple[str | None, str | None]]:
    """The names of speakers before and after a step, where they differ; None: there was, or is, no such speaker."""
    edit = _steps(transcript).filter(number=number).first()
    sides = step_from_json(edit.changes).speakers if edit else None
    if sides is None:
        return []
    old, new = ({speaker.id: speaker.name for speaker in side} for side in sides)
    return [(old.get(each), new.get(each)) for each in old | new if old.get(each) != new.get(each)]


def versions(transcript: Transcript) -> list[VersionView]:
    """The newest first."""
    found = Version.objects.filter(transcript=transcript).select_related("job").annotate(edit_count=Count("edits"))
    views = [_version(transcript, version) for version in found.order_by("-number")]
    alone = VersionView(1, "run", True, transcript.created_at, transcript.model, transcript.word_count, 0, None)
    return views or [alone]


def _version(transcript: Transcript, version: Version) -> VersionView:
    current = version.number == transcript.version
    shown = version.shown or {"model": "", "word_count": 0}
    model = transcript.model if current else shown["model"]
    words = transcript.word_count if current else shown["word_count"]
    edits: int = version.edit_count  # type: ignore[attr-defined]
    return VersionView(version.number, version.kind, current, version.created_at, model, words, edits, version)


def _steps(transcript: Transcript) -> QuerySet[Edit]:
    mine = Edit.objects.filter(version__transcript=transcript, version__number=transcript.version)
    return mine.select_related("actor")


def _in_force(version: Version) -> set[int]:
    """The steps that an undo after another would take back."""
    bases = dict(Edit.objects.filter(version=version).values_list("number", "base"))
    return set(_chain(version.head, bases))


def _chain(head: int, bases: dict[int, int]) -> Iterator[int]:
    while head:
        yield head
        head = bases[head]


def _entry(edit: Edit, standing: set[int]) -> Entry:
    return Entry(
        number=edit.number,
        kind=edit.kind,
        summary=SENTENCES[edit.kind],
        at=edit.created_at,
        by=None if edit.actor is None else edit.actor.name or edit.actor.email,
        target=edit.target,
        turns=len(edit.changes["turns"]),
        in_force=edit.number in standing,
    )


def _turn_diff(change: Change, names: dict[int, str]) -> TurnDiff:
    def said(side: Side) -> str | None:
        return None if side is None else joined([unpack(packed) for packed in side.get("segments", ())])

    def voice(side: Side) -> str | None:
        return names.get((side or {}).get("speaker") or 0)

    return TurnDiff(change.turn, said(change.old), said(change.new), voice(change.old), voice(change.new))
