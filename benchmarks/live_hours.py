"""Does a session grow? Hours of audio in one, sent as fast as they are taken, memory every ten minutes of audio."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.live_client import WAIT
from benchmarks.quality import Pcm
from engine.types import SAMPLE_RATE
from tests.live import Product

PIECE = SAMPLE_RATE // 10
UNHEARD = 20.0
"""Seconds of audio that are on their way at most, as the server says by its acks."""
EVERY = 600.0


def hours(product: Product, pcm: Pcm, count: float, resident_mb: Callable[[Product], float]) -> None:
    key = product.key("hours@example.org", 10_000)
    print(f"{count:g} h of speech in one session\n\n{'audio min':>10}{'wall s':>8}{'finals':>8}{'web + engine MB':>17}")
    marks = asyncio.run(_hours(product, key, pcm, count * 3600, resident_mb))
    if len(marks) > 1:
        print(f"\nhighest over lowest from the first mark on: {max(marks) / min(marks) - 1:+.2%}")
        print(f"last over first: {marks[-1] / marks[0] - 1:+.2%}")


async def _hours(
    product: Product, key: str, pcm: Pcm, seconds: float, resident_mb: Callable[[Product], float]
) -> list[float]:
    url = f"{product.address.replace('http', 'ws', 1)}/v1/stream"
    headers = {"Authorization": f"Bearer {key}"}
    heard, finals, changed, marks = 0.0, 0, asyncio.Event(), list[float]()
    async with connect(url, additional_headers=headers, open_timeout=WAIT) as socket:
        await socket.send(json.dumps({"language": "en", "profile": "caption", "acks": True}))
        began = time.monotonic()

        async def mark() -> None:
            marks.append(await asyncio.to_thread(resident_mb, product))
            print(f"{heard / 60:10.0f}{time.monotonic() - began:8.0f}{finals:8}{marks[-1]:17.1f}")
            sys.stdout.flush()

        async def read() -> None:
            """To the end, which may be that of the longest stream: two hours."""
            nonlocal heard, finals
            with suppress(ConnectionClosed):
                async for text in socket:
                    message = json.loads(text)
                    finals += message.get("type") == "transcript"
                    if message.get("type") == "ack":
                        heard = message["audio_ms"] / 1000
                        changed.set()
                        if heard >= (len(marks) + 1) * EVERY:
                            await mark()
                    if message.get("type") == "done" or "error" in message:
                        await mark()
                        why = message.get("error", "done")
                        print(f"ended: {why}, {finals} finals, {sent / SAMPLE_RATE / 60:.1f} min sent")

        sent = 0
        reading = asyncio.create_task(read())
        while sent < seconds * SAMPLE_RATE and not reading.done():
            while sent / SAMPLE_RATE - heard > UNHEARD and not reading.done():
                changed.clear()
                await asyncio.wait([reading, asyncio.ensure_future(changed.wait())], return_when="FIRST_COMPLETED")
            at = sent % (len(pcm) - PIECE)
            with suppress(ConnectionClosed):
                await socket.send(pcm[at : at + PIECE].tobytes())
            sent += PIECE
        with suppress(ConnectionClosed):
            await socket.send('{"action": "stop"}')
        await asyncio.wait_for(reading, WAIT)
    return marks
