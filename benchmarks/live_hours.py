"""Does a session grow? Hours of audio in one, sent as fast as they are taken, memory of every ten minutes of audio."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

from websockets.asyncio.client import ClientConnection, connect
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
    print(f"{count:g} h of speech in one session; MB of web and engine, a look a second\n")
    print(f"{'to minute':>10}{'wall s':>8}{'finals':>8}{'median':>9}{'most':>9}")
    marks = asyncio.run(_Hours(product, pcm, resident_mb).run(key, count * 3600))
    if len(marks) > 2:
        later = marks[1:]
        print(f"\nafter the first ten minutes: highest over lowest {max(later) / min(later) - 1:+.2%}")
        first = f"over that of the first ten {marks[-1] / marks[0] - 1:+.2%}"
        print(f"last over first {later[-1] / later[0] - 1:+.2%}; {first}")


class _Hours:
    def __init__(self, product: Product, pcm: Pcm, resident_mb: Callable[[Product], float]) -> None:
        self._product, self._pcm, self._resident_mb = product, pcm, resident_mb
        self._heard, self._sent, self._finals = 0.0, 0, 0
        """Seconds that are acknowledged, samples sent, texts that came."""
        self._changed = asyncio.Event()
        self._looks = list[float]()
        self._marks = list[float]()
        self._began = time.monotonic()

    async def run(self, key: str, seconds: float) -> list[float]:
        """The memory in each ten minutes of audio, in MB: the median of a look a second."""
        url = f"{self._product.address.replace('http', 'ws', 1)}/v1/stream"
        headers = {"Authorization": f"Bearer {key}"}
        async with connect(url, additional_headers=headers, open_timeout=WAIT) as socket:
            await socket.send(json.dumps({"language": "en", "profile": "caption", "acks": True}))
            looking = asyncio.create_task(self._look())
            reading = asyncio.create_task(self._read(socket))
            await self._speak(socket, seconds, reading)
            await asyncio.wait_for(reading, WAIT)
            looking.cancel()
        return self._marks

    async def _look(self) -> None:
        while True:
            self._looks.append(await asyncio.to_thread(self._resident_mb, self._product))
            await asyncio.sleep(1.0)

    async def _speak(self, socket: ClientConnection, seconds: float, reading: "asyncio.Task[None]") -> None:
        with suppress(ConnectionClosed):
            while self._sent < seconds * SAMPLE_RATE and not reading.done():
                while self._sent / SAMPLE_RATE - self._heard > UNHEARD and not reading.done():
                    self._changed.clear()
                    await asyncio.wait(
                        [reading, asyncio.ensure_future(self._changed.wait())], return_when="FIRST_COMPLETED"
                    )
                at = self._sent % (len(self._pcm) - PIECE)
                await socket.send(self._pcm[at : at + PIECE].tobytes())
                self._sent += PIECE
            await socket.send('{"action": "stop"}')

    async def _read(self, socket: ClientConnection) -> None:
        """To the end, which may be that of the longest stream: two hours."""
        with suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                self._finals += message.get("type") == "transcript"
                if message.get("type") == "ack":
                    self._heard = message["audio_ms"] / 1000
                    self._changed.set()
                    if self._heard >= (len(self._marks) + 1) * EVERY:
                        self._mark()
                if message.get("type") == "done" or "error" in message:
                    why = message.get("error") or message["reason"]
                    print(f"ended: {why} {self._finals} finals, {self._sent / SAMPLE_RATE / 60:.1f} min sent")

    def _mark(self) -> None:
        looks, self._looks = self._looks, []
        self._marks.append(median(looks))
        wall = time.monotonic() - self._began
        print(f"{self._heard / 60:10.0f}{wall:8.0f}{self._finals:8}{self._marks[-1]:9.1f}{max(looks):9.1f}")
        sys.stdout.flush()
