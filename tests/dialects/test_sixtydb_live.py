"""60db's acceptance checks against the whole product (its own packages: tests/clients)."""

import json
import math
from typing import Any

import httpx
import numpy as np
import pytest

from engine.types import SAMPLE_RATE
from tests.dialects.server import Server
from tests.engine.media import wave_file
from tests.engine.speech import spoken, talk
from tests.live import NAMES

pytestmark = pytest.mark.slow
FIVE_SECONDS = 5 * SAMPLE_RATE


@pytest.fixture
def key(server: Server) -> str:
    return server.keys["paid"]


def stt(server: Server, file: bytes, key: str, **fields: str) -> httpx.Response:
    with server.product.client(key) as client:
        return client.post("/stt", files={"file": ("a.wav", file)}, data=fields)


def heard(server: Server, file: bytes, key: str, **fields: str) -> Any:
    answer = stt(server, file, key, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def price(seconds: float, rate: float = 1.0) -> float:
    """Credits for begun seconds, rounded up to the thousandth."""
    return math.ceil(round(math.ceil(seconds) * rate * 1000 / 60, 6)) / 1000


def test_103_no_language_is_auto(server: Server, speech: bytes, key: str) -> None:
    absent, auto = heard(server, speech, key), heard(server, speech, key, language="auto")
    assert absent["language_source"] == "lid_per_segment"
    assert absent["segments"] == auto["segments"]
    assert absent["language_detection"]["lid_calls"] > 0
    assert heard(server, speech, key, languages="en,es")["language_detection"]["candidates"] == ["en", "es"]


def test_104_105_words(server: Server, speech: bytes, key: str) -> None:
    words = heard(server, speech, key, language="en", return_timestamps="word", include_confidence="1")["words"]
    assert [word["word"] for word in words] == spoken(NAMES).split()
    for word in words:
        assert word["start"] < word["end"]
        assert 0 <= word["confidence"] <= 1
    assert stt(server, speech, key, return_timestamps="foo").status_code == 400


def test_106_speakers_at_thirty_per_cent(server: Server, speech: bytes, key: str) -> None:
    before = server.credits(key)
    body = heard(server, speech, key, language="en", diarize="true", max_speakers="0")
    assert body["segments"][0]["speakers"][0]["speaker"] == "SPEAKER_00"
    between = server.credits(key)
    assert before - between == pytest.approx(price(body["duration_sec"], 1.3), abs=1e-6)
    heard(server, speech, key, language="en")
    assert between - server.credits(key) == pytest.approx(price(body["duration_sec"]), abs=1e-6)


def test_107_108_keywords(server: Server, speech: bytes, key: str) -> None:
    body = heard(server, speech, key, language="en", keywords="Musick:50")
    [boosted] = [word for word in body["words"] if "boosted" in word]
    assert boosted == {"word": "Musick.", "boosted": True, "original": "music."}
    assert (
        body["text"]
        == " ".join(segment["text"] for segment in body["segments"])
        == spoken(NAMES).replace("music", "Musick")
    )
    assert stt(server, speech, key, keywords="x:-1").status_code == 400


def test_109_context_on_the_free_plan(server: Server, speech: bytes) -> None:
    body = heard(server, speech, server.keys["free"], language="en", context="About doors and water.")
    assert body["warning_codes"] == ["llm_refinement_not_in_plan"]


def test_110_silence_is_charged(server: Server, key: str) -> None:
    before = server.credits(key)
    body = heard(server, wave_file(bytes(2 * FIVE_SECONDS)), key, language="en")
    assert (body["text"], body["language"], body["segments"], body["words"]) == ("", None, [], [])
    assert body["warning_codes"] == ["no_speech_detected"]
    assert before - server.credits(key) == pytest.approx(price(5), abs=1e-6)


def test_111_noise_is_free(server: Server, key: str) -> None:
    noise = np.random.default_rng(1).normal(0, 10_000, FIVE_SECONDS).clip(-32768, 32767).astype(np.int16)
    before = server.credits(key)
    body = heard(server, wave_file(noise.tobytes()), key)
    assert (body["text"], body["warning_codes"]) == ("", ["low_snr_dropped"])
    assert server.credits(key) == before


def test_112_a_long_recording(server: Server, key: str) -> None:
    samples = talk(NAMES * 20)
    body = heard(server, wave_file(samples.tobytes()), key)
    assert body["duration_sec"] == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.1)
    assert body["duration_sec"] > 90
    assert body["language_source"] == "long_audio_chunked"
    chunks = [segment["chunk_idx"] for segment in body["segments"]]
    assert chunks == sorted(chunks)
    assert chunks[0] == 0


def test_113_to_115_refusals_and_the_catalogue(server: Server, speech: bytes, key: str) -> None:
    nothing = stt(server, speech, server.keys["empty"])
    assert (nothing.status_code, nothing.json()["error_code"]) == (402, "ZERO_BALANCE")
    japanese = stt(server, speech, key, language="ja")
    assert (japanese.status_code, japanese.json()["error_code"]) == (400, "UNSUPPORTED_LANGUAGE")
    large = stt(server, bytes(10_000_001), key)
    assert (large.status_code, large.json()["error_code"]) == (413, "PAYLOAD_TOO_LARGE")
    with server.product.client() as nobody:
        data = json.loads(nobody.get("/stt/languages").content)["data"]
    assert (len(data["languages"]), data["languages"][0]["code"], data["total"]) == (40, "auto", 39)
