"""Sockets that do nothing, too much or nonsense: everybody else still gets every final, and memory stays bounded."""

import asyncio
import json
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import psutil
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.engine.speech import TEXTS, silence, spoken, talk
from tests.live import Product, running
from tests.streaming.client import WAIT, stream
from tests.streaming.test_kills import process_of

pytestmark = pytest.mark.slow
AGENT = {"language": "en", "profile": "agent"}
TALK = ("en_door", "en_music", "en_water")
IDLE, AT_ONCE = 2_000, 50
FILES = 8_192
MIB = 2**20
ROOM = 200 * MIB
"""What the web process may grow by under any of these."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))  # its processes inherit it
    settings = {"STT_STREAM_AHEAD_SECONDS": "400", "STT_FREE_MINUTES_PER_MONTH": "0"}
    try:
        with running(tmp_path_factory.mktemp("product"), **settings) as product:
            yield product
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    return product.key("heard@example.org", 100)


@pytest.fixture(scope="module")
def flooder(product: Product) -> str:
    return product.key("flood@example.org", 100)


@pytest.fixture
def bounded(product: Product) -> Iterator[None]:
    web: psutil.Process = process_of(product, "uvicorn")
    before = web.memory_info().rss
    yield
    assert web.memory_info().rss - before < ROOM


def everything_is_heard(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.sound(talk(TALK), seconds_a_frame=0.01)
        heard.say(action="stop")
        heard.end()
    assert [message["text"] for message in heard.finals] == [TEXTS[name] for name in TALK]
    assert heard.code == 1000


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Waits for it, however it ends."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(WAIT)


@pytest.mark.usefixtures("bounded")
def test_two_thousand_idle_sockets_keep_nobody_waiting(product: Product, key: str) -> None:
    url = f"{product.address.replace('http', 'ws', 1)}/v1/stream"

    async def idle() -> ClientConnection:
        return await connect_async(url, open_timeout=WAIT, ping_interval=None, compression=None)

    async def all_of_them() -> None:
        held = [one for _ in range(0, IDLE, AT_ONCE) for one in await asyncio.gather(*(idle() for _ in range(AT_ONCE)))]
        assert len(held) == IDLE
        await asyncio.to_thread(everything_is_heard, product, key)
        for one in held:
            one.transport.abort()

    asyncio.run(all_of_them())


@pytest.mark.usefixtures("bounded")
def test_a_flood_of_frames_is_one_clients_own_trouble(product: Product, key: str, flooder: str) -> None:
    def flood() -> None:
        with stream(product.address, flooder) as heard, suppress(ConnectionClosed):
            heard.say(**AGENT)
            heard.ready()
            for number in range(20_000):
                heard.socket.send(b"\0" if number % 2 else b"")
                if not number % 20:
                    heard.socket.ping()

    with meanwhile(flood):
        everything_is_heard(product, key)
    # The rest of a frame that is refused would meet a closed connection, and the reason be lost: it is not sent.
    for too_much in (header(0x82, MIB + 1), header(0x02, MIB) + bytes(MIB) + header(0x00, 1)):  # whole, in fragments
        with stream(product.address, flooder) as heard:
            heard.socket.socket.sendall(too_much)
            heard.end()
        assert heard.code == 1009


def header(first: int, length: int) -> bytes:
    """Of a frame whose mask is nought (RFC 6455, 5.2)."""
    return bytes([first, 0xFF]) + length.to_bytes(8, "big") + bytes(4)


@pytest.mark.usefixtures("bounded")
def test_who_never_reads_is_not_heard_for_ever(product: Product, key: str, flooder: str) -> None:
    url = f"{product.address.replace('http', 'ws', 1)}/v1/stream"
    headers = {"Authorization": f"Bearer {flooder}"}
    with connect(url, additional_headers=headers, open_timeout=WAIT, max_queue=1) as socket:

        def flood() -> None:
            with suppress(ConnectionClosed, OSError):
                socket.send(json.dumps(AGENT))
                for number in range(1_000_000):
                    socket.send(json.dumps({"action": "ping", "id": f"{number:200}"}))

        with meanwhile(flood):
            everything_is_heard(product, key)
            socket.socket.shutdown(2)


def test_odd_pieces_and_numbers_that_are_none(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.sound(talk(TALK), length=641)
        heard.say(action="stop")
        heard.end()
    assert heard.text == spoken(TALK)
    floats = talk(TALK).astype("<f4") / 32768
    floats[:3000:7], floats[1:3000:7], floats[2:3000:7] = np.nan, np.inf, -np.inf
    with stream(product.address, key) as heard:
        heard.say(**AGENT, encoding="pcm_f32le")
        heard.ready()
        data = floats.tobytes()
        for at in range(0, len(data), 1283):
            heard.socket.send(data[at : at + 1283])
        heard.say(action="stop")
        heard.end()
    assert heard.text.endswith(spoken(TALK))
    assert heard.code == 1000


def test_sound_far_ahead_of_the_clock_ends_the_stream_with_its_text(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        with suppress(ConnectionClosed):
            heard.sound(np.concatenate([talk(TALK), silence(600.0)]), length=MIB // 2)
        assert heard.error["code"] == "audio_too_fast"
        heard.end()
    assert heard.text == spoken(TALK)
    assert heard.code == 4413


def test_a_stream_that_outlives_its_balance_is_charged_no_more(product: Product) -> None:
    key = product.manage("create_api_key", "--email", "short@example.org", "--credits", "1.083").strip()  # 65 s
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        with suppress(ConnectionClosed):
            heard.sound(np.concatenate([talk(TALK), silence(300.0)]), length=32_000)
        assert heard.error["status"] == 402
        heard.end()
    assert heard.text == spoken(TALK)
    assert heard.code == 4402
    with product.client(key) as client:
        assert 0 < client.get("/api/v1/usage/").json()["total"]["credits"] <= 1.083
        assert client.get("/api/v1/account/").json()["credits_remaining"] >= 0
