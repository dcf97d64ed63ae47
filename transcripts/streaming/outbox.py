"""What waits to be sent to one client. A slow reader costs us interim text, never a final."""

import asyncio
from collections import deque
from typing import Any

MOST = 64
"""Messages that wait before interim text is left out."""
FULL = 4096
"""Messages that wait before the client is not listened to any more: more than hours of speech come to."""


class Outbox:
    def __init__(self) -> None:
        self._waiting: deque[tuple[dict[str, Any], bool]] = deque()
        self._changed, self._taken = asyncio.Event(), asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """What waits is the last."""
        self._closed = True
        self._changed.set()
        self._taken.set()

    async def room(self) -> None:
        """What a client says is answered; who takes no answers is not heard."""
        while len(self._waiting) >= FULL and not self._closed:
            self._taken.clear()
            await self._taken.wait()

    def put(self, message: dict[str, Any], *, passing: bool = False) -> None:
        """`passing`: the next of its kind replaces it."""
        if passing:
            if self._waiting and self._waiting[-1][1]:
                self._waiting.pop()
            elif len(self._waiting) >= MOST:
                return
        if self._closed:
            return
        self._waiting.append((message, passing))
        self._changed.set()

    async def next(self) -> dict[str, Any] | None:
        """None behind the last."""
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        self._taken.set()
        return self._waiting.popleft()[0]
