import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.errors import Cancelled, EngineError, EngineGone
from engine.streaming.events import Heard, LiveEvent, LiveOptions
from engine.types import SAMPLE_RATE
from transcripts.streaming.relay import Listening, Relay

SECOND = bytes(2 * SAMPLE_RATE)


class Session:
    """Says of each second that it may be forgotten, `until` so many; then it fails with `fault`, if there is one."""

    def __init__(self, options: LiveOptions, until: int, fault: EngineError | None) -> None:
        self.start, self._until, self._fault = options.start, until, fault
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        self._at = options.start

    async def push(self, pcm: bytes) -> None:
        self._at += len(pcm) // 2
        self._events.put_nowait(Heard(self._at, self._at))

    async def finalize(self, mark: str) -> None: ...
    async def update(self, options: LiveOptions) -> None: ...

    async def stop(self) -> None:
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[LiveEvent]:
        while (event := await self._events.get()) is not None:
            yield event
            self._until -= 1
            if self._fault and not self._until:
                raise self._fault

    async def close(self) -> None:
        self._events.put_nowait(None)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [Cancelled(), EngineGone("engine_gone", "It is gone.")])
async def test_an_engine_that_gives_up_hands_over_to_the_next(fault: EngineError) -> None:
    sessions = list[Session]()

    async def listen(options: LiveOptions) -> Listening:
        sessions.append(Session(options, 2, fault if not sessions else None))
        return sessions[-1]

    relay = Relay(LiveOptions(), listen)
    for _ in range(5):
        await relay.push(SECOND)
    await relay.stop()
    heard = [event.samples for event in [event async for event in relay.run()] if isinstance(event, Heard)]
    assert heard == [SAMPLE_RATE * second for second in range(1, 6)]
    assert [session.start for session in sessions] == [0, 2 * SAMPLE_RATE]


@pytest.mark.asyncio
async def test_a_session_that_was_closed_here_is_not_begun_again() -> None:
    opened = 0

    async def listen(options: LiveOptions) -> Listening:
        nonlocal opened
        opened += 1
        return Session(options, 1, Cancelled())

    relay = Relay(LiveOptions(), listen)
    await relay.push(SECOND)

    async def follow() -> None:
        async for _ in relay.run():
            await relay.close()

    with pytest.raises(Cancelled):
        await follow()
    assert opened == 1
