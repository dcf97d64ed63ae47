"""A live session on an engine behind its socket, for asyncio: one process follows many without a thread for each."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from engine import wire
from engine.errors import EngineGone
from engine.streaming.events import LiveEvent, LiveOptions, event_from_dict
from engine.types import to_dict

LONGEST_LINE = 16 * 1024 * 1024
CONNECT_SECONDS = 5.0


class Listening(Protocol):
    """One stream's session, as its caller sees it. Raises EngineGone once the engine is."""

    async def push(self, pcm: bytes) -> None:
        """The next samples: signed 16-bit little-endian, mono at SAMPLE_RATE. Waits while the session is far behind."""
        ...

    async def finalize(self, mark: str) -> None: ...

    async def update(self, options: LiveOptions) -> None: ...

    async def stop(self) -> None: ...

    def events(self) -> AsyncIterator[LiveEvent]:
        """Until the session has ended. Raises EngineError."""
        ...

    async def close(self) -> None: ...


class RemoteListening:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def push(self, pcm: bytes) -> None:
        await self._send({"audio": base64.b64encode(pcm).decode()})

    async def finalize(self, mark: str) -> None:
        await self._send({"do": "finalize", "mark": mark})

    async def update(self, options: LiveOptions) -> None:
        await self._send({"do": "update", "options": to_dict(options)})

    async def stop(self) -> None:
        await self._send({"do": "stop"})

    async def events(self) -> AsyncIterator[LiveEvent]:
        while True:
            try:
                line = await self._reader.readline()
                frame = json.loads(line) if line.endswith(b"\n") else None
            except (OSError, ValueError) as error:
                raise _gone() from error
            if frame is None:
                raise _gone()
            if "error" in frame:
                raise wire.error_from_frame(frame)
            if "result" in frame:
                return
            yield event_from_dict(frame)

    async def close(self) -> None:
        self._writer.close()

    async def _send(self, frame: Mapping[str, Any]) -> None:
        if self._writer.is_closing():
            raise _gone()
        try:
            self._writer.write(json.dumps(frame, separators=(",", ":")).encode() + b"\n")
            await self._writer.drain()
        except (OSError, RuntimeError) as error:  # what uvloop says of a closed one is a RuntimeError
            raise _gone() from error


async def listen(socket: Path, options: LiveOptions) -> RemoteListening:
    """Raises EngineGone. Whether the engine takes the stream is said by its first event."""
    try:
        with wire.address(socket) as address:
            reader, writer = await asyncio.wait_for(
                asyncio.open_unix_connection(address, limit=LONGEST_LINE), CONNECT_SECONDS
            )
    except OSError as error:  # TimeoutError is one
        raise _gone() from error
    session = RemoteListening(reader, writer)
    await session._send({"op": "listen", "options": to_dict(options)})
    return session


def _gone() -> EngineGone:
    return EngineGone("engine_gone", "The speech engine is gone. The stream can be taken up again.")
