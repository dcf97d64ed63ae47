"""Those who read along: each room has one stream at a time and any number of read-only listeners, in this process.

Who streams chooses a secret, the room; who reads has only `view_token(room)`, from which the room cannot be found. So a
link outlives a stream, and whoever has it can neither speak nor resume.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from transcripts.streaming.said import StreamEvent

Listener = Callable[[StreamEvent], None]
MOST_IN_A_ROOM, MOST = 200, 2000
"""Readers of one stream, and of this process."""
TOKEN_LETTERS = 43


class Speaker(Protocol):
    def catch_up(self, listener: Listener) -> None: ...


@dataclass(slots=True)
class Room:
    listeners: list[Listener] = field(default_factory=list)
    speaker: Speaker | None = None


_rooms: dict[str, Room] = {}


def view_token(room: str) -> str:
    digest = hashlib.sha256(f"steno view {room}".encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def is_token(text: str) -> bool:
    return len(text) == TOKEN_LETTERS and text.replace("-", "").replace("_", "").isalnum()


def enter(token: str, listener: Listener) -> bool:
    """What is said in the room from now on, and the last of what was said. False: it is full."""
    room = _rooms.get(token, Room())
    if len(room.listeners) >= MOST_IN_A_ROOM or sum(len(each.listeners) for each in _rooms.values()) >= MOST:
        return False
    _rooms[token] = room
    room.listeners.append(listener)
    if room.speaker is not None:
        room.speaker.catch_up(listener)
    return True


def leave(token: str, listener: Listener) -> None:
    room = _rooms.get(token)
    if room is not None and listener in room.listeners:
        room.listeners.remove(listener)
        _tidy(token, room)


def speak(token: str, speaker: Speaker) -> None:
    """The room is this stream's now; the readers who wait hear of it."""
    room = _rooms.setdefault(token, Room())
    room.speaker = speaker
    for listener in room.listeners:
        speaker.catch_up(listener)


def say(token: str, event: StreamEvent) -> None:
    for listener in _rooms[token].listeners if token in _rooms else ():
        listener(event)


def fall_silent(token: str, speaker: Speaker) -> None:
    room = _rooms.get(token)
    if room is not None and room.speaker is speaker:
        room.speaker = None
        _tidy(token, room)


def _tidy(token: str, room: Room) -> None:
    if not room.listeners and room.speaker is None:
        del _rooms[token]
