"""Server-sent events: what a plain generator yields goes out at once, in bounded memory, until the client leaves."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from accounts.visit import visit_of
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from stt_site.lib.rest import as_service_error
from transcripts.api.dialects.base import request_id

log = logging.getLogger(__name__)

DONE = "[DONE]"
HEARTBEAT = b": still at work\n\n"
HEARTBEAT_SECONDS = 15.0
"""Proxies cut a connection that is silent for a minute, and some do it sooner."""
WAITING_EVENTS = 16
"""How many may be made ahead of a client that reads slowly."""
PATIENCE_SECONDS = 120.0
"""A client that takes nothing for so long is taken for gone."""
GLANCE_SECONDS = 0.5

Event = Mapping[str, Any] | str


class EventStream(StreamingHttpResponse):
    """What `at_end` holds is called when all is sent or given up."""

    at_end: Callable[[], None] | None = None

    def close(self) -> None:
        super().close()
        if self.at_end is not None:
            at_end, self.at_end = self.at_end, None
            at_end()


def event_stream(
    request: HttpRequest,
    events: Iterator[Event],
    *,
    abandoned: threading.Event,
    refused: Callable[[ServiceError], Event],
) -> EventStream:
    """`data: …` for each event: JSON for a mapping, a string as it is.

    What `events` raises becomes its last event, `refused(error)`. It runs in a thread of its own; when the client
    leaves, `abandoned` is set, which `events` has to heed, and it is closed at the next event.
    """
    lines = _framed(request, events, refused)
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    body = _bridged(lines, abandoned) if isinstance(request, ASGIRequest) else lines
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(body, content_type="text/event-stream; charset=utf-8", headers=headers)


def frame(event: Event) -> bytes:
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return b"".join(b"data: %s\n" % line.encode() for line in data.split("\n")) + b"\n"


def _framed(
    request: HttpRequest, events: Iterator[Event], refused: Callable[[ServiceError], Event]
) -> Generator[bytes, None, None]:
    try:
        for event in events:
            yield frame(event)
    except Exception as error:
        refusal = as_service_error(error, request_id(request))
        visit_of(request).ended_with = refusal.status
        if refusal.code is not ErrorCode.CLIENT_CLOSED_REQUEST:
            yield frame(refused(refusal))
    except GeneratorExit:
        visit_of(request).ended_with = MEANINGS[ErrorCode.CLIENT_CLOSED_REQUEST].status
        raise
    finally:
        if isinstance(events, Generator):
            events.close()


async def _bridged(lines: Generator[bytes, None, None], abandoned: threading.Event) -> AsyncIterator[bytes]:
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_EVENTS)
    pump = _Pump(lines, waiting, asyncio.get_running_loop(), abandoned)
    threading.Thread(target=pump.run, name="events", daemon=True).start()
    try:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    line = await waiting.get()
            except TimeoutError:
                line = HEARTBEAT
            if line is None:
                return
            yield line
    finally:
        abandoned.set()


class _Pump:
    """The thread's side of a stream."""

    def __init__(
        self,
        lines: Generator[bytes, None, None],
        waiting: "asyncio.Queue[bytes | None]",
        loop: asyncio.AbstractEventLoop,
        abandoned: threading.Event,
    ) -> None:
        self._lines, self._waiting, self._loop, self._abandoned = lines, waiting, loop, abandoned

    def run(self) -> None:
        try:
            while (line := next(self._lines, None)) is not None and self._put(line):
                pass
        except Exception:
            log.exception("a stream of events broke")
        finally:
            # Whoever made the events may still have work to call off, in this thread.
            self._lines.close()
            connections.close_all()
            if not self._put(None):
                with contextlib.suppress(RuntimeError):  # The server has stopped.
                    self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        """Nobody reads what is left; the answer has to end all the same."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    def _put(self, line: bytes | None) -> bool:
        """Waits for room. False when there is nobody to read it."""
        try:
            taken: Future[None] = asyncio.run_coroutine_threadsafe(self._waiting.put(line), self._loop)
        except RuntimeError:  # The server has stopped.
            return False
        waited = 0.0
        while not self._abandoned.is_set() and waited < PATIENCE_SECONDS:
            try:
                taken.result(GLANCE_SECONDS)
                return True
            except TimeoutError:
                waited += GLANCE_SECONDS
            except CancelledError:
                return False
        self._abandoned.set()
        taken.cancel()
        return False
