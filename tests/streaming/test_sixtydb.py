"""WS /ws/stt against the running product, as both generations of 60db's clients use it."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.engine.speech import TEXTS, Pcm, clip, silence, talk
from tests.live import Product
from tests.streaming.client import WAIT, Heard

pytestmark = pytest.mark.slow
LINEAR = {"encoding": "linear", "sample_rate": 16_000, "utterance_end_ms": 300}


@pytest.fixture(scope="module")
def key(live_product: Product) -> str:
    return live_product.key("sixty@example.org", 100)


@contextmanager
def socket(product: Product, key: str) -> Iterator[Heard]:
    url = f"{product.address.replace('http', 'ws', 1)}/ws/stt?apiKey={key}"
    with connect(url, open_timeout=WAIT, max_size=None) as client:
        yield Heard(client)


def is_type(name: str) -> Any:
    return lambda message: message["type"] == name


def finals(heard: Heard) -> list[dict[str, Any]]:
    return [message for message in heard.messages if message["type"] == "transcription" and message["is_final"]]


def mulaw(pcm: Pcm) -> bytes:
    """ITU-T G.711, by its own formula."""
    magnitude = np.minimum(np.abs(pcm.astype(np.int32)), 32_635) + 0x84
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return bytes((~((pcm < 0) * 0x80 | exponent << 4 | mantissa) & 0xFF).astype(np.uint8).tobytes())


def test_116_a_client_that_starts_when_the_connection_is_established(live_product: Product, key: str) -> None:
    with socket(live_product, key) as heard:
        heard.until(lambda message: message.get("connection_established"))
        heard.say(type="start", languages=["en"], context=None, config=LINEAR)
        started = heard.until(is_type("session_started"))
        # What the older plugin waits for: a second `connected`, after its own start.
        heard.until(lambda message: message is heard.messages[-1] and message["type"] == "connected")
        for at in range(0, 32_000 * 2, 3_200):
            sound = talk(["en_door"]).tobytes()[at : at + 3_200]
            heard.say(type="audio", audio=base64.b64encode(sound).decode(), encoding="linear", sample_rate=16_000)
        heard.say(type="stop")
        heard.end()
    assert started["model"] == "60db-stt-v01"
    [final] = finals(heard)
    assert (final["text"], final["speech_final"]) == (TEXTS["en_door"], True)
    assert heard.messages[-1]["billing_summary"]["total_duration_seconds"] == pytest.approx(2.0, abs=0.7)
    assert heard.code == 1000


def test_116_a_client_that_reads_the_documentation(live_product: Product, key: str) -> None:
    with socket(live_product, key) as heard:
        heard.say(type="start", languages=None, config={**LINEAR, "interim_results_frequency": None})
        heard.until(is_type("session_started"))
        heard.sound(talk(["en_door", "en_water"]))
        heard.say(type="test")
        heard.until(is_type("test_resp"))
        heard.say(type="stop")
        heard.end()
    assert [final["text"] for final in finals(heard)] == [TEXTS["en_door"], TEXTS["en_water"]]
    assert [message for message in heard.messages if message.get("is_final") is False] == []
    assert heard.messages[-1]["type"] == "session_stopped"


def test_117_telephone_sound_in_frames_of_480_bytes(live_product: Product, key: str) -> None:
    slow = talk(["en_door"])[::2]  # 8 kHz; the clip has little above 4 kHz
    with socket(live_product, key) as heard:
        heard.say(type="start", languages=["en"], config={"encoding": "mulaw", "sample_rate": 8_000})
        heard.until(is_type("session_started"))
        data = mulaw(slow)
        for at in range(0, len(data), 480):
            heard.socket.send(data[at : at + 480])
        heard.say(type="stop")
        heard.end()
    assert "door" in " ".join(final["text"] for final in finals(heard)).casefold()


def test_118_with_a_context_each_sentence_comes_twice(live_product: Product, key: str) -> None:
    context = {"general": [{"key": "topic", "value": "doors"}], "terms": ["door"]}
    with socket(live_product, key) as heard:
        heard.say(type="start", languages=["en"], context=context, config=LINEAR)
        heard.until(is_type("session_started"))
        heard.sound(np.concatenate([silence(0.4), clip("en_door"), silence(0.8)]))
        heard.say(type="stop")
        heard.end()
    first, second = finals(heard)
    assert first["sentence_id"] == second["sentence_id"]
    assert (first["speech_final"], second["speech_final"]) == (False, True)
    assert second["text"]


def test_119_without_credits_and_without_a_socket(live_product: Product) -> None:
    broke = live_product.key("sixty-broke@example.org")
    live_product.manage("shell", "-c", _SPENT)
    with socket(live_product, broke) as heard:
        heard.say(type="start", languages=["en"], config=LINEAR)
        error = heard.until(is_type("error"))
        heard.end()
    assert error["error_code"] == "INSUFFICIENT_CREDITS"
    assert heard.code == 1008
    for path in ("/ws/stt", "/ws/health"):
        answer = httpx.get(live_product.address + path)
        assert (answer.status_code, answer.text) == (200, "ok")


_SPENT = """
from accounts.models import User
from accounts.services import ledger
user = User.objects.get(email="sixty-broke@example.org")
ledger.reserve(user, "test:all", ledger.available_mc(user))
ledger.settle("test:all", 10**12)
"""


@pytest.mark.parametrize(
    "message",
    [
        {"type": "start", "languages": ["auto"]},
        {"type": "start", "languages": ["en"] * 6},
        {"type": "start", "config": {"encoding": "opus"}},
        {"type": "start", "config": {"encoding": "linear", "sample_rate": 12_345}},
        {"type": "stop"},
        {"type": "dance"},
    ],
)
def test_what_cannot_be_obeyed_is_said(live_product: Product, key: str, message: dict[str, Any]) -> None:
    with socket(live_product, key) as heard:
        heard.socket.send(json.dumps(message))
        assert heard.until(is_type("error"))["error"]
        heard.end()
    assert heard.code == 1003


def test_nobody_streams_without_a_key(live_product: Product) -> None:
    with pytest.raises(InvalidStatus) as refused, socket(live_product, ""):
        pass
    assert refused.value.response.status_code == 401
