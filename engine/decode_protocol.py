"""What the decoder's two sides say to each other over one Unix stream socket.

The parent sends a request, a file descriptor riding on it. The child sends frames: READY with its level of lock-down
(or what kept it from getting there), TAKEN before it looks at the file (whatever kills it earlier is not the file's
fault), then INFO, any number of PCM frames, and END. One that probes waits after INFO: an order, which is a request
without a descriptor, makes it go on and decode the same file. The child may have been taken over by the file it reads,
so the parent believes nothing: lengths are bounded, codes are looked up, text is shortened.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.errors import MEDIA_MESSAGES
from engine.types import MediaInfo

READY, TAKEN, INFO, PCM, END = b"R", b"T", b"I", b"P", b"E"
MAX_REQUEST_BYTES = 1024
MAX_JSON_BYTES = 4096
MAX_TEXT = 500
MAX_NUMBER = 10**12
MAX_RATE = 96_000
BYTES_PER_SAMPLE = 2
MAX_SEPARATE = 8
"""Channels that may be asked for one by one."""

_HEADER = struct.Struct("=cI")


class ProtocolError(Exception):
    """The other side said something that it never says when it is well."""


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    mode: Literal["probe", "decode"]
    rate: int
    max_seconds: float
    separate: bool = False
    """All channels, interleaved, instead of their mix."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended: `code` None means all is well; the rest are counts of what had to be mended."""

    code: str | None = None
    corrupt_packets: int = 0
    non_finite_samples: int = 0
    missing_seconds: float = 0.0


def send_request(channel: socket.socket, request: DecodeRequest, source: int) -> None:
    socket.send_fds(channel, [json.dumps(asdict(request)).encode()], [source])


def receive_request(channel: socket.socket) -> tuple[DecodeRequest, int] | None:
    """None: the parent has gone, or needs this child no longer."""
    data, descriptors, _, _ = socket.recv_fds(channel, MAX_REQUEST_BYTES, 1)
    if not data:
        return None
    return DecodeRequest(**json.loads(data)), descriptors[0]


def send_order(channel: socket.socket, request: DecodeRequest) -> None:
    channel.sendall(json.dumps(asdict(request)).encode())


def receive_order(channel: socket.socket) -> DecodeRequest | None:
    """None: the file is not to be decoded, or not by this child."""
    data = channel.recv(MAX_REQUEST_BYTES)
    return DecodeRequest(**json.loads(data)) if data else None


def send_frame(channel: socket.socket, kind: bytes, payload: bytes | bytearray | memoryview = b"") -> None:
    channel.sendall(_HEADER.pack(kind, len(payload)))
    channel.sendall(payload)


def send_json(channel: socket.socket, kind: bytes, value: Mapping[str, Any]) -> None:
    send_frame(channel, kind, json.dumps(value).encode())


def receive_frame(channel: socket.socket, *, deadline: float, max_pcm_bytes: int = 0) -> tuple[bytes, bytearray] | None:
    """None where the stream ends, be it inside a frame. Raises ProtocolError, and TimeoutError at `deadline`.

    The deadline is on time.monotonic's clock and for the whole frame, however slowly it drips.
    """
    header = _receive_exactly(channel, _HEADER.size, deadline)
    if len(header) < _HEADER.size:
        return None
    kind, length = _HEADER.unpack(header)
    if kind not in (READY, TAKEN, INFO, PCM, END) or length > (max_pcm_bytes if kind == PCM else MAX_JSON_BYTES):
        raise ProtocolError(f"a frame of kind {kind!r} with {length} bytes")
    payload = _receive_exactly(channel, length, deadline)
    if len(payload) < length:
        return None
    if kind == PCM and (length == 0 or length % BYTES_PER_SAMPLE):
        raise ProtocolError(f"{length} bytes of samples")
    return kind, payload


def _receive_exactly(channel: socket.socket, length: int, deadline: float) -> bytearray:
    """Fewer bytes only where the stream ends."""
    buffer = bytearray(length)
    view = memoryview(buffer)
    filled = 0
    while filled < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the frame did not come in time")
        channel.settimeout(left)
        count = channel.recv_into(view[filled:])
        if count == 0:
            break
        filled += count
    view.release()
    del buffer[filled:]
    return buffer


def parse_info(payload: bytes | bytearray) -> MediaInfo:
    data = _parse_object(payload)
    duration = data.get("duration")
    return MediaInfo(
        format=_text(data.get("format")),
        codec=_text(data.get("codec")),
        duration=None if duration is None else _number(duration),
        sample_rate=int(_number(data.get("sample_rate"))),
        channels=int(_number(data.get("channels"))),
        has_video=data.get("has_video") is True,
    )


def parse_outcome(payload: bytes | bytearray) -> Outcome:
    data = _parse_object(payload)
    code = data.get("code")
    if code is not None and (not isinstance(code, str) or code not in MEDIA_MESSAGES):
        raise ProtocolError("an unknown code")
    return Outcome(
        code=code,
        corrupt_packets=int(_number(data.get("corrupt_packets"))),
        non_finite_samples=int(_number(data.get("non_finite_samples"))),
        missing_seconds=_number(data.get("missing_seconds")),
    )


def _parse_object(payload: bytes | bytearray) -> dict[str, Any]:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("broken JSON") from error
    if not isinstance(data, dict):
        raise ProtocolError("no JSON object")
    return data


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProtocolError("no text")
    return "".join(character for character in value[:64] if character.isascii() and character.isprintable())


def _number(value: object) -> float:
    # Compared, not converted: JSON's integers may be too long for a float. NaN fails every comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ProtocolError("no number")
    return float(min(value, MAX_NUMBER))
