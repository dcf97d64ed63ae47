"""A live session on an engine in this process, with the face of one behind a socket."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from engine.protocols import ListensLive
from engine.streaming.events import LiveEvent, LiveOptions
from engine.waiting import in_thread


class EmbeddedListening:
    """See `engine.streaming.remote.Listening`."""

    def __init__(self, engine: ListensLive, options: LiveOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        self._session = engine.listen(options, self._say)
        self._outcome = in_thread(self._session.run, "live-session")
        self._outcome.add_done_callback(lambda _: self._say(None))

    async def push(self, pcm: bytes) -> None:
        await asyncio.to_thread(self._session.push, np.frombuffer(pcm, dtype="<i2"))

    async def finalize(self, mark: str) -> None:
        self._session.finalize(mark)

    async def update(self, options: LiveOptions) -> None:
        self._session.update(options)

    async def stop(self) -> None:
        self._session.stop()

    async def events(self) -> AsyncIterator[LiveEvent]:
        while (event := await self._events.get()) is not None:
            yield event
        self._outcome.result()

    async def close(self) -> None:
        self._session.close()

    def _say(self, event: LiveEvent | None) -> None:
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)
