"""The words that cross the engine's socket.

A Unix stream socket; one request a connection. Every frame is one line: a JSON object in UTF-8, ended by a newline.

    client first   {"op": "probe",         "source": PATH}
                   {"op": "make_playback", "source": PATH, "destination": PATH}
                   {"op": "enhance",       "source": PATH, "destination": PATH}
                   {"op": "mask",          "source": PATH, "destination": PATH, "stretches": [[S, S], …],
                                           "cover": COVER}
                   {"op": "speak",         "reference": PATH, "text": TEXT, "destination": PATH}
                   {"op": "label_speakers", "source": PATH, "transcript": TRANSCRIPT, "options": OPTIONS}
                   {"op": "embed",         "texts": [TEXT, …], "priority": PRIORITY}
                   {"op": "extract",       "what": NAME, "lines": [LINE, …], "style": STYLE, "language": CODE}
                   {"op": "write",         "messages": [MESSAGE, …], "most_tokens": N, "temperature": T,
                                           "stop": [TEXT, …]}
                   {"op": "translate",     "texts": [TEXT, …], "source": CODE, "target": CODE}
                   {"op": "status"}
                   {"op": "transcribe",    "source": PATH, "options": OPTIONS, "resume": N}
                       followed by N frames {"chunk": CHUNK}
    client later   {"op": "cancel"}                          closing the connection means the same
    server         {"event": "progress", "value": PROGRESS}  any number, at least one a second while work is done
                   {"event": "chunk",    "value": CHUNK}
                   {"event": "piece",    "value": TEXT}      of what is written
                   {"result": VALUE}                         last; VALUE depends on the operation
                   {"error": {"kind": CLASS, "code": CODE, "message": SENTENCE}}    last

PATHs are absolute and read by the engine. Capital words are `engine.types` and `engine.text.types` as dicts; bytes are
base64. JSON keeps a float's every bit, so a result equals that of the embedded engine. A connection that ends without
`result` or `error` means that the engine is gone.
"""

import base64
import json
import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import errors
from engine.errors import EngineError
from engine.types import Chunk, Event, Playback, Progress, chunk_from_dict, to_dict

if TYPE_CHECKING:
    from engine.protocols import Vectors

Frame = dict[str, Any]

MAX_FRAME = 512 * 1024 * 1024
"""Bytes; the transcript of twelve hours with words is a tenth of it."""
SEND_TIMEOUT = 60
"""Seconds. A peer that reads nothing for so long is taken for dead."""
MAX_ADDRESS = 100
"""The kernel's limit for a socket's path is 108 bytes."""


class Connection:
    """One side of a conversation. OSError means that the other side is gone. One thread may send while another one
    receives."""

    def __init__(self, sock: socket.socket) -> None:
        # A socket's own timeout is one for both directions, so a thread that set it would change the other's call.
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT, 0))
        self._socket = sock
        self._buffer = bytearray()
        self._searched = 0

    def send(self, frame: Mapping[str, Any]) -> None:
        line = json.dumps(frame, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
        self._socket.sendall(line.encode())

    def receive(self, timeout: float | None = None) -> Frame | None:
        """The next frame; None if the other side closed. Raises TimeoutError, and loses nothing by it."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (line := self._line()) is None:
            if deadline is not None and not self._readable(max(0.001, deadline - time.monotonic())):
                raise TimeoutError
            try:
                data = self._socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data
            if len(self._buffer) > MAX_FRAME:
                raise ConnectionError("The other side sent a frame that is too long.")
        frame = json.loads(line)
        if not isinstance(frame, dict):
            raise ConnectionError("The other side does not speak this protocol.")
        return frame

    def peer_left(self) -> bool:
        """Has the other side closed, or said {"op": "cancel"}? Does not wait."""
        if b"\n" not in self._buffer and not self._readable(0.0):
            return False
        try:
            frame = self.receive(timeout=1.0)
        except (OSError, ValueError):
            return True
        return frame is None or frame.get("op") == "cancel"

    def close(self) -> None:
        self._socket.close()

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name of the path that fits into a socket address; long ones go through their directory's descriptor."""
    if len(os.fsencode(path)) <= MAX_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def event_frame(event: Event) -> Frame:
    return {"event": "chunk" if isinstance(event, Chunk) else "progress", "value": to_dict(event)}


def event_from_frame(frame: Frame) -> Event:
    return chunk_from_dict(frame["value"]) if frame["event"] == "chunk" else Progress(**frame["value"])


def error_frame(error: EngineError) -> Frame:
    return {"error": {"kind": type(error).__name__, "code": error.code, "message": error.message}}


def error_from_frame(frame: Frame) -> EngineError:
    data = frame["error"]
    kind: type[EngineError] = getattr(errors, data["kind"], EngineError)
    error = kind.__new__(kind)
    # Some kinds know their own code and take the message alone.
    EngineError.__init__(error, data["code"], data["message"])
    return error


def vectors_to_dict(vectors: "Vectors") -> Frame:
    return {"shape": vectors.shape, "values": base64.b64encode(vectors.astype("<f4").tobytes()).decode()}


def vectors_from_dict(data: Mapping[str, Any]) -> "Vectors":
    import numpy as np  # whoever only asks for transcripts does without

    return np.frombuffer(base64.b64decode(data["values"]), dtype="<f4").reshape(data["shape"])


def playback_to_dict(playback: Playback) -> Frame:
    return {"duration": playback.duration, "peaks": base64.b64encode(playback.peaks).decode()}


def playback_from_dict(data: Mapping[str, Any]) -> Playback:
    return Playback(data["duration"], base64.b64decode(data["peaks"]))
