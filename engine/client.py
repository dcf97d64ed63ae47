"""The engine behind its socket, with the same face as the embedded one."""

import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import wire
from engine.errors import EngineGone
from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    Options,
    Playback,
    Priority,
    Progress,
    Spoken,
    Transcript,
    status_from_dict,
    to_dict,
    transcript_from_dict,
)

if TYPE_CHECKING:
    from engine.protocols import Vectors

BEAT = 1.0
PROBE_TIMEOUT = 60.0
STATUS_TIMEOUT = 10.0
SILENCE_TIMEOUT = 30.0
"""A living engine says something every second."""


class EngineClient:
    """Thread-safe; every call has its own connection. An engine that is not there raises EngineGone."""

    def __init__(self, socket: Path, connect_timeout: float = 5.0) -> None:
        self._socket = socket
        self._connect_timeout = connect_timeout

    def probe(self, source: Path) -> MediaInfo:
        return MediaInfo(**self._ask({"op": "probe", "source": str(source.absolute())}, PROBE_TIMEOUT))

    def status(self) -> EngineStatus:
        return status_from_dict(self._ask({"op": "status"}, STATUS_TIMEOUT))

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        question = {
            "op": "make_playback",
            "source": str(source.absolute()),
            "destination": str(destination.absolute()),
        }
        return wire.playback_from_dict(self._ask(question, SILENCE_TIMEOUT, beat))

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        question = {
            "op": "label_speakers",
            "source": str(source.absolute()),
            "transcript": to_dict(transcript),
            "options": to_dict(options),
        }
        return transcript_from_dict(self._ask(question, SILENCE_TIMEOUT, beat))

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        question = {"op": "enhance", "source": str(source.absolute()), "destination": str(destination.absolute())}
        return Enhanced(**self._ask(question, SILENCE_TIMEOUT, beat))

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        question = {
            "op": "mask",
            "source": str(source.absolute()),
            "destination": str(destination.absolute()),
            "stretches": [list(stretch) for stretch in stretches],
            "cover": cover,
        }
        return Enhanced(**self._ask(question, SILENCE_TIMEOUT, beat))

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        question = {
            "op": "speak",
            "reference": str(reference.absolute()),
            "text": text,
            "destination": str(destination.absolute()),
        }
        return Spoken(**self._ask(question, SILENCE_TIMEOUT, beat))

    def embed(
        self, texts: Sequence[str], *, priority: Priority = "interactive", beat: Callable[[], None] = lambda: None
    ) -> "Vectors":
        question = {"op": "embed", "texts": list(texts), "priority": priority}
        return wire.vectors_from_dict(self._ask(question, SILENCE_TIMEOUT, beat))

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Answer:
        question = {
            "op": "extract",
            "what": what,
            "lines": [to_dict(line) for line in lines],
            "style": style,
            "language": language,
        }
        return self._ask(question, SILENCE_TIMEOUT, beat)

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> Generator[str, None, bool]:
        question = {
            "op": "write",
            "messages": [dict(message) for message in messages],
            "most_tokens": most_tokens,
            "temperature": temperature,
            "stop": list(stop),
        }
        with self._conversation(question) as connection:
            while (frame := _in_time(connection, SILENCE_TIMEOUT)) is not None and "event" in frame:
                if frame["event"] == "piece":
                    yield frame["value"]
                else:
                    beat()
            cut: bool = _answer(frame)["cut"]
            return cut

    def translate(
        self, texts: Sequence[str], source: str | None, target: str, *, beat: Callable[[], None] = lambda: None
    ) -> list[str]:
        question = {"op": "translate", "texts": list(texts), "source": source, "target": target}
        answer: list[str] = self._ask(question, SILENCE_TIMEOUT, beat)["texts"]
        return answer

    def transcribe(
        self,
        source: Path,
        options: Options,
        *,
        on_event: Callable[[Event], None],
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        question = {
            "op": "transcribe",
            "source": str(source.absolute()),
            "options": to_dict(options),
            "resume": len(resume),
        }
        with self._conversation(question) as connection:
            with suppress(OSError):  # why it stopped listening is read below
                for chunk in resume:
                    connection.send({"chunk": to_dict(chunk)})
            last = Progress("waiting", done=resume[-1].end if resume else 0.0, total=None)
            heard = time.monotonic()
            while True:
                try:
                    frame = _heard(connection, BEAT)
                except TimeoutError:
                    silence = time.monotonic() - heard
                    on_event(replace(last, stalled_for=last.stalled_for + silence))
                    continue
                heard = time.monotonic()
                if frame is not None and "event" in frame:
                    event = wire.event_from_frame(frame)
                    last = event if isinstance(event, Progress) else replace(last, stalled_for=0.0)
                    on_event(event)
                    continue
                return transcript_from_dict(_answer(frame))

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _ask(self, question: wire.Frame, silence: float, beat: Callable[[], None] = lambda: None) -> dict[str, Any]:
        with self._conversation(question) as connection:
            while (frame := _in_time(connection, silence)) is not None and "event" in frame:
                beat()
            return _answer(frame)

    @contextmanager
    def _conversation(self, question: wire.Frame) -> Iterator[wire.Connection]:
        """Closing it, for whatever reason, ends the engine's work."""
        connection = wire.Connection(self._connect())
        try:
            try:
                connection.send(question)
            except OSError as error:
                raise _gone("ended while it was asked") from error
            yield connection
        finally:
            connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._connect_timeout)
        try:
            with wire.address(self._socket) as address:
                connection.connect(address)
        except OSError as error:
            connection.close()
            raise _gone(f"does not answer at {self._socket} ({error.strerror or error})") from error
        return connection


def _heard(connection: wire.Connection, timeout: float) -> wire.Frame | None:
    """Raises TimeoutError, and EngineGone for what no living engine says."""
    try:
        return connection.receive(timeout)
    except TimeoutError:
        raise
    except (OSError, ValueError) as error:
        raise _gone("broke off in the middle of a word") from error


def _in_time(connection: wire.Connection, silence: float) -> wire.Frame | None:
    try:
        return _heard(connection, silence)
    except TimeoutError:
        raise _gone(f"has not answered for {silence:.0f} seconds") from None


def _answer(frame: wire.Frame | None) -> dict[str, Any]:
    if frame is None:
        raise _gone("ended in the middle of its work")
    if "error" in frame:
        raise wire.error_from_frame(frame)
    result: dict[str, Any] = frame["result"]
    return result


def _gone(what: str) -> EngineGone:
    return EngineGone("engine_gone", f"The speech engine {what}. The work can be tried again.")
