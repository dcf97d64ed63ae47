"""kill -9 in the middle of a sentence: no final is lost, none is said twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.engine.speech import ENGLISH, TEXTS, talk
from tests.live import Product, running
from tests.streaming.client import FRAME, Heard, stream

pytestmark = pytest.mark.slow
AGENT = {"language": "en", "profile": "agent", "acks": True}
PCM = talk(ENGLISH)
SAID = [TEXTS[name] for name in ENGLISH]
MIDDLE = len(PCM) // 2
"""Within a sentence."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("product"), STT_ANONYMOUS_PER_DAY="100") as product:
        yield product


def process_of(product: Product, *words: str) -> psutil.Process:
    """The one of the product's processes whose command line has these words."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = " ".join(process.info["cmdline"] or ())
        ours = (process.info["environ"] or {}).get("STT_DATA_DIR") == str(product.data_dir)
        if ours and all(word in command for word in words) and "supervisor" not in command:
            return process
    raise AssertionError(words)


@contextmanager
def client(product: Product, key: str) -> Iterator[Heard]:
    """Tries until the server is there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with connect(f"{product.address.replace('http', 'ws', 1)}/v1/stream"):
                break
        except (OSError, WebSocketException):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    with stream(product.address, key) as heard:
        yield heard


def test_the_engine_dies_and_another_one_says_the_rest(product: Product) -> None:
    key = product.key("engine@example.org", 100)
    with client(product, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.sound(PCM[:MIDDLE], seconds_a_frame=0.01)
        process_of(product, "runengine").kill()
        heard.sound(PCM[MIDDLE:], seconds_a_frame=0.01)
        heard.say(action="stop")
        heard.end()
    assert [message["text"] for message in heard.finals] == SAID
    assert [message["seq"] for message in heard.finals] == list(range(1, len(SAID) + 1))
    assert heard.messages[-1]["full_text"] == " ".join(SAID)
    assert heard.code == 1000


def test_the_web_process_dies_and_the_client_goes_on_with_the_next(product: Product) -> None:
    key = product.key("web@example.org", 100)
    with client(product, key) as heard:
        heard.say(**AGENT)
        token = heard.ready()["resume_token"]
        heard.sound(PCM[:MIDDLE], seconds_a_frame=0.01)
        heard.until(lambda message: message.get("seq") == 2 and message["type"] == "transcript")
        process_of(product, "uvicorn").kill()
        heard.end()
    seen = heard.finals[-1]["seq"]
    with client(product, key) as again:
        again.say(resume=token, last_seq=seen)
        ready = again.ready()
        assert ready["audio_ms"] * 16 <= MIDDLE
        again.sound(PCM[ready["audio_ms"] * 16 :], length=FRAME, seconds_a_frame=0.005)
        again.say(action="stop")
        again.end()
    finals = [*heard.finals, *again.finals]
    assert [message["text"] for message in finals] == SAID
    assert [message["seq"] for message in finals] == list(range(1, len(SAID) + 1))
    assert again.messages[-1]["full_text"] == " ".join(SAID)
