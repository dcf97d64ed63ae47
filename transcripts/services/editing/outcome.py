"""What a change gives back: the touched turns as they stand now, and what can be done next."""

from dataclasses import dataclass

from engine.types import Word
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services.editing.turns import Speaker, TurnState


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn as it is shown. `words` None: they were not asked for, or did not change."""

    id: int
    rev: int
    place: int
    start: float
    end: float
    speaker: int | None
    language: str | None
    text: str
    words: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The whole as it is shown. `edited`: something differs from what the engine gave."""

    version: int
    rev: int
    edited: bool
    speakers: tuple[Speaker, ...]
    turns: tuple[TurnView, ...]
    can_undo: bool
    can_redo: bool
    word_count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`edit` is the number of the history's new step; None: nothing was to be changed."""

    rev: int
    edit: int | None
    changed: tuple[TurnView, ...]
    removed: tuple[int, ...]
    speakers: tuple[Speaker, ...]
    can_undo: bool
    can_redo: bool
    word_count: int
    replaced: int | None = None


class EditConflict(ServiceError):
    """Somebody else was first. `turn` is what stands there now (None: it is gone), `yours` what was to stand there."""

    def __init__(self, turn: TurnView | None, yours: str | None) -> None:
        message = (
            "This part was changed elsewhere in the meantime. Nothing was overwritten: compare both, then save again."
        )
        super().__init__(ErrorCode.CONFLICT, message)
        self.turn = turn
        self.yours = yours


def view(turn: TurnState, *, words: bool = True) -> TurnView:
    return TurnView(
        turn.key,
        turn.rev,
        turn.place,
        turn.start,
        turn.end,
        turn.speaker,
        turn.language,
        turn.text,
        tuple(turn.words) if words else None,
    )
