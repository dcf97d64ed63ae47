"""What others cost a speaker: one session's latencies alone, beside two thousand idle sockets, and beside a flood."""

import asyncio
import json
import logging
import multiprocessing
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.live_client import WAIT, steno
from benchmarks.live_figures import Figures, middle, quantile
from benchmarks.quality import Recording
from tests.live import Product

IDLE, AT_ONCE = 2_000, 50
FILES = 8_192
HUGE = 2**20
"""Bytes in a frame, the most that is taken."""
CONFIG = {"language": "en", "profile": "agent"}
CROWDS = ("alone", "2,000 idle", "flood")


@contextmanager
def many_files() -> Iterator[None]:
    """Of this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def crowd(product: Product, speech: Recording, rounds: int) -> None:
    """Alone and in the crowd by turns, so that the machine's moods meet all of them."""
    speaker, flooder = product.key("crowd@example.org", 10_000), product.key("flooder@example.org", 10_000)
    around: dict[str, Callable[[], AbstractAsyncContextManager[None]]] = {
        "alone": nobody,
        "2,000 idle": lambda: idle(product),
        "flood": lambda: flood(product, flooder),
    }
    figures = {name: Figures() for name in CROWDS}
    for _ in range(rounds):
        for name in CROWDS:
            asyncio.run(_round(around[name], product, speaker, speech, figures[name]))
    print(f"agent profile, one session, {rounds} rounds\n")
    titles = (("utterances", 12), ("final p50 ms", 14), ("final p95 ms", 14), ("first p50 ms", 14), ("missed", 8))
    print(f"{'':14}" + "".join(f"{title:>{width}}" for title, width in (*titles, ("wrong words", 13))))
    for name, found in figures.items():
        values = (middle(found.final), quantile(found.final, 0.95), middle(found.first))
        milliseconds = "".join(f"{1000 * value:14.0f}" for value in values)
        print(f"{name:14}{len(found.final):12}{milliseconds}{found.missed:8}{found.wrong:13}")
        for fault in found.faults:
            print(f"{'':14}{fault}")


async def _round(
    around: Callable[[], AbstractAsyncContextManager[None]],
    product: Product,
    key: str,
    speech: Recording,
    figures: Figures,
) -> None:
    async with around():
        figures.add(await steno(product.address, key, speech.samples, CONFIG), speech)


@asynccontextmanager
async def nobody() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def idle(product: Product) -> AsyncIterator[None]:
    """They say nothing at all, so the server ends each after ten seconds."""
    url = f"{product.address.replace('http', 'ws', 1)}/v1/stream"

    async def one() -> ClientConnection:
        return await connect_async(url, open_timeout=WAIT, ping_interval=None, compression=None)

    held = [each for _ in range(0, IDLE, AT_ONCE) for each in await asyncio.gather(*(one() for _ in range(AT_ONCE)))]
    try:
        yield
    finally:
        for each in held:
            each.transport.abort()


@asynccontextmanager
async def flood(product: Product, key: str) -> AsyncIterator[None]:
    """From a process that gives way: a flooder has a machine of its own."""
    process = multiprocessing.get_context("spawn").Process(target=_flood, args=(product.address, key))
    process.start()
    await asyncio.sleep(2.0)
    try:
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _flood(address: str, key: str) -> None:
    os.nice(19)
    logging.disable()  # the client's own surprise at being cut off
    url = f"{address.replace('http', 'ws', 1)}/v1/stream"
    over = time.monotonic() + WAIT
    while time.monotonic() < over:
        with (
            suppress(ConnectionClosed, OSError, TimeoutError),
            connect(url, additional_headers={"Authorization": f"Bearer {key}"}, open_timeout=WAIT) as socket,
        ):
            socket.send(json.dumps(CONFIG))
            for number in range(20_000):
                socket.send(b"\0" if number % 2 else b"")
                if not number % 20:
                    socket.ping()
            socket.send(bytes(HUGE))
            socket.send(bytes(HUGE + 1))
