"""Who says what: speakers are numbers with a name, so that a new name for all their turns is one change."""

from collections.abc import Sequence
from typing import Literal

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Transcript
from transcripts.services.editing.changes import reassigned
from transcripts.services.editing.desk import Desk, change
from transcripts.services.editing.outcome import Outcome
from transcripts.services.editing.turns import Speaker
from transcripts.services.editing.words import tidy

Scope = Literal["turn", "onward", "everywhere"]
LONGEST_NAME = 100


def assign(
    transcript: Transcript,
    actor: User,
    turn: int,
    *,
    speaker: int | None = None,
    name: str = "",
    scope: Scope = "turn",
    key: str = "",
) -> Outcome:
    """To a known speaker, to nobody (None), or to the one of that `name`, who is made where there is none. `onward` and
    `everywhere` take the turns of the same speaker along, from this one on or all."""

    def make(desk: Desk) -> None:
        now = desk.turn(turn)
        new = _named(desk, name) if name else speaker
        if new is not None:
            _known(desk, new)
        if scope == "turn":
            turns = [(now.key, now.speaker)]
        else:
            voices = desk.voices(now.place if scope == "onward" else 0)
            turns = [(turn, old) for turn, old in voices if old == now.speaker]
        desk.assign(reassigned(turns, new))

    return change(transcript, actor, "speaker", key, make)


def rename(transcript: Transcript, actor: User, names: dict[int, str], key: str = "") -> Outcome:
    """In all their turns. Raises NOT_FOUND, and CONFLICT for a name that another speaker has."""

    def make(desk: Desk) -> None:
        for speaker in names:
            _known(desk, speaker)
        renamed = tuple(Speaker(each.id, _checked(names.get(each.id, each.name))) for each in desk.speakers)
        _demand_distinct(renamed)
        desk.speakers = renamed

    return change(transcript, actor, "rename", key, make)


def merge(transcript: Transcript, actor: User, speaker: int, into: int, key: str = "") -> Outcome:
    """All that `speaker` says, `into` says. Raises NOT_FOUND."""

    def make(desk: Desk) -> None:
        for each in (speaker, into):
            _known(desk, each)
        if speaker == into:
            raise ServiceError(ErrorCode.INVALID_REQUEST, "Name two speakers to merge. Nothing was changed.")
        desk.assign(reassigned([(turn, old) for turn, old in desk.voices() if old == speaker], into))
        desk.speakers = tuple(each for each in desk.speakers if each.id != speaker)

    return change(transcript, actor, "merge_speakers", key, make)


def _known(desk: Desk, speaker: int) -> None:
    if speaker not in {each.id for each in desk.speakers}:
        raise ServiceError(ErrorCode.NOT_FOUND, f"There is no speaker {speaker} here. Nothing was changed.")


def _named(desk: Desk, name: str) -> int:
    name = _checked(name)
    for each in desk.speakers:
        if each.name.casefold() == name.casefold():
            return each.id
    new = Speaker(desk.new_key(), name)
    desk.speakers = (*desk.speakers, new)
    return new.id


def _checked(name: str) -> str:
    name = tidy(name)
    if not name or len(name) > LONGEST_NAME:
        message = f"A speaker's name has 1 to {LONGEST_NAME} characters. Nothing was changed."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return name


def _demand_distinct(speakers: Sequence[Speaker]) -> None:
    seen: set[str] = set()
    for each in speakers:
        if each.name.casefold() in seen:
            message = f"Another speaker is called {each.name} already. Merge the two instead. Nothing was changed."
            raise ServiceError(ErrorCode.CONFLICT, message)
        seen.add(each.name.casefold())
