"""What a stream tells its client, before any dialect has put it into words. Engine events pass through as they are."""

from dataclasses import dataclass

from engine.streaming.events import Finalized, Partial, Reason, SpeechEnded, SpeechStarted, Warned
from engine.types import Segment
from stt_site.lib.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Ready:
    session: str
    token: str
    model: str
    language: str | None
    ignored: tuple[str, ...]
    max_seconds: int
    resumed: bool = False
    audio_ms: int = 0
    """From here on the client sends audio (again)."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """Text that never changes. `seq` counts from 1; a client has a stream whole when it has every number."""

    seq: int
    segment: Segment
    reason: Reason
    lag_ms: int


@dataclass(frozen=True, slots=True)
class Shown:
    partial: Partial
    seq: int
    lag_ms: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """A second, more careful reading of what was said as `seq`."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Ack:
    """Audio before it is not wanted again."""

    audio_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    reason: str
    text: str
    """All of it; "" where it is too long for one message."""
    duration_ms: int
    segments: int
    seq: int
    charged_mc: int
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """`code` is the close code that follows a fatal one. `token` resumes the stream where that is possible."""

    error: ServiceError
    name: str
    code: int
    fatal: bool = True
    token: str = ""


StreamEvent = Ready | Said | Shown | Corrected | Ack | Done | Failed | SpeechStarted | SpeechEnded | Finalized | Warned

__all__ = [
    "Ack",
    "Corrected",
    "Done",
    "Failed",
    "Finalized",
    "Ready",
    "Said",
    "Shown",
    "SpeechEnded",
    "SpeechStarted",
    "StreamEvent",
    "Warned",
]
