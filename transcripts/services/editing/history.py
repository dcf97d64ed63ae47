"""Back and forth along what was done. Every step says what it changed, so it is taken back to the letter."""

from collections.abc import Sequence

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Edit, Transcript
from transcripts.services.editing.changes import Change, Step, applied, step_from_json
from transcripts.services.editing.desk import Desk, change
from transcripts.services.editing.outcome import Outcome
from transcripts.services.editing.turns import TurnState


def undo(transcript: Transcript, actor: User, key: str = "") -> Outcome:
    """Takes back the last change that is in force. Raises CONFLICT where there is none."""

    def make(desk: Desk) -> None:
        if not desk.version.head:
            raise ServiceError(ErrorCode.CONFLICT, "There is nothing to undo.")
        desk.target = _edit(desk, desk.version.head)
        _apply(desk, step_from_json(desk.target.changes).back)

    return change(transcript, actor, "undo", key, make)


def redo(transcript: Transcript, actor: User, key: str = "") -> Outcome:
    """Does again what was undone last. Raises CONFLICT where there is nothing, or something else was done since."""

    def make(desk: Desk) -> None:
        if not desk.version.undone:
            raise ServiceError(ErrorCode.CONFLICT, "There is nothing to redo.")
        desk.target = _edit(desk, desk.version.undone[-1])
        _apply(desk, step_from_json(desk.target.changes))

    return change(transcript, actor, "redo", key, make)


def restore(transcript: Transcript, actor: User, number: int, key: str = "") -> Outcome:
    """The document as it was behind edit `number` (0: as the engine gave it). What came later stays in the history."""

    def make(desk: Desk) -> None:
        if number and not Edit.objects.filter(version=desk.version, number=number).exists():
            raise ServiceError(ErrorCode.NOT_FOUND)
        later = Edit.objects.filter(version=desk.version, number__gt=number).order_by("-number")
        states: dict[int, TurnState | None] = {}
        for edit in later.iterator(chunk_size=100):
            step = step_from_json(edit.changes).back
            _rewind(desk, step.turns, states)
            desk.speakers = step.speakers[1] if step.speakers else desk.speakers
        _put(desk, states)

    return change(transcript, actor, "restore", key, make)


def _apply(desk: Desk, step: Step) -> None:
    voices = [each for each in step.turns if each.old and each.new and "segments" not in each.new]
    desk.assign(voices)
    states: dict[int, TurnState | None] = {}
    _rewind(desk, [each for each in step.turns if each not in voices], states)
    _put(desk, states)
    desk.speakers = step.speakers[1] if step.speakers else desk.speakers


def _rewind(desk: Desk, changes: Sequence[Change], states: dict[int, TurnState | None]) -> None:
    """`states` are the turns that were gone through before."""
    states |= desk.turns({each.turn for each in changes} - states.keys())
    for each in changes:
        states[each.turn] = applied(states.get(each.turn), each, desk.number)


def _put(desk: Desk, states: dict[int, TurnState | None]) -> None:
    for key, state in states.items():
        if state is None:
            desk.remove(key)
        else:
            desk.put(state)


def _edit(desk: Desk, number: int) -> Edit:
    return Edit.objects.get(version=desk.version, number=number)
