"""Between a stream and the engines: what is not final yet is kept, and told again to the next engine when one dies."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from engine.errors import Cancelled, EngineGone
from engine.streaming.events import Final, Finalized, Heard, LiveEvent, LiveOptions, Refined, SpeechEnded
from engine.types import SAMPLE_RATE

log = logging.getLogger(__name__)
MOST_KEPT = 60 * SAMPLE_RATE
"""Samples that no engine has made final; beyond them the stream is not read. An engine cuts long before."""
PATIENCE = 60.0
"""Seconds without any engine after which the stream is given up."""
WAITS = (0.05, 0.2, 0.5, 1.0)


class Listening(Protocol):
    """`engine.streaming.remote.Listening`."""

    async def push(self, pcm: bytes) -> None: ...
    async def finalize(self, mark: str) -> None: ...
    async def update(self, options: LiveOptions) -> None: ...
    async def stop(self) -> None: ...
    def events(self) -> AsyncIterator[LiveEvent]: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Audio:
    start: int
    pcm: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // 2


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


class _Stop: ...


class Relay:
    """`run` says what the engines say; `push` and the like may be called meanwhile. Positions are samples."""

    def __init__(self, options: LiveOptions, listen: Callable[[LiveOptions], Awaitable[Listening]]) -> None:
        self._options, self._listen = options, listen
        self.received = self.needed = options.start
        self._kept: deque[_Audio | _Mark | _Stop] = deque()
        self._speaking = asyncio.Lock()
        self._freed = asyncio.Event()
        self._listening: Listening | None = None
        self._said = 0
        """Utterances that earlier engines have made final."""

    async def push(self, pcm: bytes) -> None:
        """Waits while too much is not final yet."""
        while self.received - self.needed > MOST_KEPT:
            self._freed.clear()
            await self._freed.wait()
        piece = _Audio(self.received, pcm)
        self.received = piece.end
        await self._tell(piece)

    async def finalize(self, mark: str) -> None:
        await self._tell(_Mark(mark))

    async def stop(self) -> None:
        await self._tell(_Stop())

    async def update(self, options: LiveOptions) -> None:
        async with self._speaking:
            self._options = options
            if self._listening is not None:
                with suppress(EngineGone):
                    await self._listening.update(options)

    async def run(self) -> AsyncIterator[LiveEvent]:
        """To the end of the stream. Raises EngineError; EngineGone only where no engine comes back, Cancelled only
        after `close`: an engine that gives a stream up by itself is as good as gone."""
        clock = asyncio.get_running_loop().time
        silent_since, tries = clock(), 0
        while True:
            try:
                base = self._said
                await self._begin()
                assert self._listening is not None
                async for event in self._listening.events():
                    silent_since, tries = clock(), 0
                    yield self._noted(event, base)
                return
            except (Cancelled, EngineGone) as error:
                if isinstance(error, Cancelled) and self._listening is None:
                    raise
                if clock() - silent_since > PATIENCE:
                    raise
                log.warning("The engine of a stream is gone, another one takes over: %s", error.message)
                await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
                tries += 1
            finally:
                await self.close()

    async def close(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.close()

    async def _begin(self) -> None:
        """A session that starts where nothing is final yet, and is told all that came since."""
        async with self._speaking:
            listening = await self._listen(replace(self._options, start=self._start()))
            self._listening = listening
            for item in list(self._kept):
                await _say(listening, item)

    def _start(self) -> int:
        return next((item.start for item in self._kept if isinstance(item, _Audio)), self.received)

    async def _tell(self, item: _Audio | _Mark | _Stop) -> None:
        async with self._speaking:
            self._kept.append(item)
            if self._listening is not None:
                with suppress(EngineGone):  # `run` hears of it too, and tells the next one
                    await _say(self._listening, item)

    def _noted(self, event: LiveEvent, base: int) -> LiveEvent:
        if isinstance(event, Final | SpeechEnded | Heard):
            self._forget(event.needed)
        if isinstance(event, Finalized):
            self._kept = deque(item for item in self._kept if not (isinstance(item, _Mark) and item.name == event.mark))
        if isinstance(event, Final | Refined):
            event = replace(event, utterance=base + event.utterance)
            self._said = max(self._said, event.utterance + 1)
        return event

    def _forget(self, before: int) -> None:
        self.needed = max(self.needed, before)
        while self._kept and isinstance(first := self._kept[0], _Audio) and first.end <= before:
            self._kept.popleft()
        if self._kept and isinstance(first := self._kept[0], _Audio) and first.start < before:
            self._kept[0] = _Audio(before, first.pcm[2 * (before - first.start) :])
        self._freed.set()


async def _say(listening: Listening, item: _Audio | _Mark | _Stop) -> None:
    match item:
        case _Audio(pcm=pcm):
            await listening.push(pcm)
        case _Mark(name=name):
            await listening.finalize(name)
        case _Stop():
            await listening.stop()
