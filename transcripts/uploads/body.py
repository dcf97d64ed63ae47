import asyncio
from collections.abc import Callable

from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.uploads.asgi import Message, Receive


class ClientGone(Exception):
    """The client hung up; there is nobody to answer."""


class Body:
    """A request body in the server's own pieces. Refuses one that is too long, that stops, or that trickles."""

    def __init__(self, receive: Receive, max_bytes: int, too_large: Callable[[], ServiceError]) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._too_large = too_large
        self.read_bytes = 0
        self.complete = False
        self._waited = 0.0
        self._window_bytes = 0

    async def next(self) -> bytes | None:
        """None at the end. Raises ClientGone or ServiceError."""
        if self.complete:
            return None
        message = await self._wait()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        self.complete = not message.get("more_body", False)
        self.read_bytes += len(piece)
        self._window_bytes += len(piece)
        if self.read_bytes > self._max_bytes:
            raise self._too_large()
        return piece

    async def _wait(self) -> Message:
        # Only the time spent waiting for the sender counts: a slow disk of ours is not the sender's fault.
        clock = asyncio.get_running_loop().time
        stall = settings.UPLOAD_STALL_SECONDS
        began = clock()
        try:
            async with asyncio.timeout(stall):
                message = await self._receive()
        except TimeoutError:
            raise ServiceError(ErrorCode.REQUEST_TIMEOUT) from None
        self._waited += clock() - began
        if self._waited > stall:
            if self._window_bytes < self._waited * settings.UPLOAD_MIN_BYTES_PER_SECOND:
                raise ServiceError(ErrorCode.REQUEST_TIMEOUT)
            self._waited = 0.0
            self._window_bytes = 0
        return message
