"""Events on their way to a client, under an event loop as a server has it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any, cast

import pytest
from django.core.handlers.asgi import ASGIRequest

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api import sse

SECONDS = 10.0
"""After which a test has failed; none waits for so long."""


def streamed(events: Iterator[sse.Event], abandoned: threading.Event) -> AsyncIterator[bytes]:
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    request = ASGIRequest(scope, BytesIO())
    response = sse.event_stream(
        request, events, abandoned=abandoned, refused=lambda error: {"error": {"message": error.message}}
    )
    return cast(AsyncIterator[bytes], response.streaming_content)


async def all_of(events: Iterator[sse.Event]) -> list[bytes]:
    async with asyncio.timeout(SECONDS):
        return [line async for line in streamed(events, threading.Event())]


def test_frames() -> None:
    assert sse.frame({"a": "é\n"}) == 'data: {"a":"é\\n"}\n\n'.encode()
    assert sse.frame("one\ntwo") == b"data: one\ndata: two\n\n"


@pytest.mark.asyncio
async def test_events_come_in_order_and_end() -> None:
    assert await all_of(iter([{"n": 1}, {"n": 2}, sse.DONE])) == [
        b'data: {"n":1}\n\n',
        b'data: {"n":2}\n\n',
        b"data: [DONE]\n\n",
    ]


@pytest.mark.asyncio
async def test_a_refusal_is_the_last_event() -> None:
    def events() -> Iterator[sse.Event]:
        yield {"n": 1}
        raise ServiceError(ErrorCode.POISON, "It broke.")

    assert (await all_of(events()))[1:] == [b'data: {"error":{"message":"It broke."}}\n\n']


@pytest.mark.asyncio
async def test_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.01)
    heard = threading.Event()

    def events() -> Iterator[sse.Event]:
        heard.wait(SECONDS)
        yield sse.DONE

    lines = []
    async with asyncio.timeout(SECONDS):
        async for line in streamed(events(), threading.Event()):
            lines.append(line)
            heard.set()
    assert lines[0] == sse.HEARTBEAT
    assert lines[-1] == b"data: [DONE]\n\n"


@pytest.mark.asyncio
async def test_a_client_that_leaves_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "GLANCE_SECONDS", 0.01)
    abandoned, closed = threading.Event(), threading.Event()
    made: list[int] = []

    def events() -> Iterator[sse.Event]:
        try:
            for number in range(10_000):
                made.append(number)
                yield {"n": number}
        finally:
            closed.set()

    body: Any = streamed(events(), abandoned)
    async with asyncio.timeout(SECONDS):
        assert await anext(body) == b'data: {"n":0}\n\n'
        await body.aclose()
        await asyncio.to_thread(closed.wait, SECONDS)
    assert abandoned.is_set()
    assert closed.is_set()
    # A reader that takes one event has no more than the queue's length made for it.
    assert len(made) <= sse.WAITING_EVENTS + 4


@pytest.mark.asyncio
async def test_an_answer_ends_when_somebody_else_saw_the_client_leave() -> None:
    abandoned = threading.Event()

    def events() -> Iterator[sse.Event]:
        yield {"n": 1}
        abandoned.wait(SECONDS)
        raise ServiceError(ErrorCode.CLIENT_CLOSED_REQUEST)

    body: Any = streamed(events(), abandoned)
    async with asyncio.timeout(SECONDS):
        await anext(body)
        abandoned.set()
        assert [line async for line in body] == []


@pytest.mark.asyncio
async def test_a_client_that_stops_reading_is_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "GLANCE_SECONDS", 0.01)
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.02)
    abandoned = threading.Event()
    body: Any = streamed(iter([{"n": number} for number in range(1000)]), abandoned)
    async with asyncio.timeout(SECONDS):
        await anext(body)
        assert await asyncio.to_thread(abandoned.wait, SECONDS)
        await body.aclose()
