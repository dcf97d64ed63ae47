"""A microphone for measuring: sound sent frame by frame as the wall clock says, and when each text came back.

Times are seconds of the stream: a sample at 2.5 s is sent, in its frame, no earlier than 2.5 s after the first.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.quality import Pcm
from engine.types import SAMPLE_RATE

FRAME = SAMPLE_RATE // 50
WAIT = 120.0
"""Seconds that a server may take for the rest of the text."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`heard`: the audio it is about ends here. `settled`: its first characters that are called stable."""

    at: float
    heard: float
    text: str
    settled: int
    number: int
    """Of the final text that it becomes."""


@dataclass(frozen=True, slots=True)
class Final:
    at: float
    start: float
    end: float
    text: str
    number: int


@dataclass(slots=True)
class Session:
    shown: list[Shown] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    fault: str = ""

    @property
    def text(self) -> str:
        return " ".join(final.text for final in self.finals)


Take = Callable[[Session, dict[str, Any], float], bool]
"""Notes a message that came at that time. Was it the last?"""


async def paced(pcm: Pcm, began: float) -> AsyncIterator[Pcm]:
    for at in range(0, len(pcm), FRAME):
        await asyncio.sleep(max(0.0, began + (at + FRAME) / SAMPLE_RATE - time.monotonic()))
        yield pcm[at : at + FRAME]


async def steno(address: str, key: str, pcm: Pcm, config: dict[str, Any], delay: float = 0.0) -> Session:
    """One session of WS /v1/stream, begun `delay` seconds late, stopped with the last sample."""
    await asyncio.sleep(delay)
    url = f"{address.replace('http', 'ws', 1)}/v1/stream"
    async with connect(url, additional_headers={"Authorization": f"Bearer {key}"}, open_timeout=WAIT) as socket:
        await socket.send(json.dumps(config))
        first = json.loads(await socket.recv())
        if first.get("status") != "ready":
            return Session(fault=str(first.get("error", first)))

        async def end() -> None:
            await socket.send('{"action": "stop"}')

        return await _session(socket, pcm, _bytes, end, _ours)


async def whisper_live(address: str, model: str, pcm: Pcm) -> Session:
    """One session of WhisperLive's own protocol. Its END_OF_AUDIO ends the connection with what it has said by then."""
    async with connect(address, open_timeout=WAIT, max_size=None) as socket:
        wish = {"uid": "one", "language": "en", "task": "transcribe", "model": model, "use_vad": True}
        await socket.send(json.dumps(wish))
        while json.loads(await socket.recv()).get("message") != "SERVER_READY":
            pass

        async def end() -> None:
            await socket.send(b"END_OF_AUDIO")

        return await _session(socket, pcm, _floats, end, _theirs)


async def _session(
    socket: ClientConnection, pcm: Pcm, encode: Callable[[Pcm], bytes], end: Callable[[], Any], take: Take
) -> Session:
    session, began = Session(), time.monotonic()

    async def read() -> None:
        async for text in socket:
            if take(session, json.loads(text), time.monotonic() - began):
                return

    reading = asyncio.create_task(read())
    async for frame in paced(pcm, began):
        if reading.done():
            break
        await socket.send(encode(frame))
    await end()
    try:
        await asyncio.wait_for(reading, WAIT)
    except TimeoutError:
        session.fault = f"no end after {WAIT:.0f} s"
    return session


def _bytes(pcm: Pcm) -> bytes:
    return pcm.astype("<i2").tobytes()


def _floats(pcm: Pcm) -> bytes:
    return (pcm / np.float32(32768)).astype("<f4").tobytes()


def _ours(session: Session, message: dict[str, Any], at: float) -> bool:
    match message.get("type"):
        case "partial":
            settled = message["stable_chars"]
            session.shown.append(Shown(at, message["end"], message["partial"], settled, message["seq"]))
        case "transcript":
            segment = message["segment"]
            session.finals.append(Final(at, segment["start"], segment["end"], message["text"], message["seq"]))
    if "error" in message:
        session.fault = str(message["error"])
    return message.get("type") == "done" or bool(message.get("fatal"))


def _theirs(session: Session, message: dict[str, Any], at: float) -> bool:
    """Every message repeats the last segments; the one that is not completed is what is shown."""
    for segment in message.get("segments", ()):
        start, end, text = float(segment["start"]), float(segment["end"]), segment["text"].strip()
        if not segment["completed"]:
            session.shown.append(Shown(at, end, text, 0, len(session.finals) + 1))
        elif all(start >= final.end - 0.01 for final in session.finals):
            session.finals.append(Final(at, start, end, text, len(session.finals) + 1))
    return False
