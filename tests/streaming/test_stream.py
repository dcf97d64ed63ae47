"""WS /v1/stream against the running product: the documented way, the SDKs' way, and every way to end."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stt_site.lib.tokens import new_token
from tests.engine.speech import SPANISH, TEXTS, Pcm, clip, silence, spoken, talk
from tests.live import Product, running
from tests.streaming.client import Heard, stream

pytestmark = pytest.mark.slow
AGENT = {"language": "en", "profile": "agent"}
TALK = ("en_door", "en_music", "en_water")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Streams whose line breaks are not waited for long, and more than three a day without an account."""
    directory = tmp_path_factory.mktemp("product")
    with running(directory, STT_STREAM_DETACH_SECONDS="3", STT_ANONYMOUS_PER_DAY="100") as product:
        yield product


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    return product.key("live@example.org", 100)


def credits_of(product: Product, key: str) -> float:
    with product.client(key) as client:
        return float(client.get("/api/v1/account/").json()["credits_remaining"])


def say(heard: Heard, pcm: Pcm, **config: object) -> Heard:
    heard.say(**{**AGENT, **config})
    heard.ready()
    heard.sound(pcm)
    heard.say(action="stop")
    return heard.end()


def test_33_34_a_stream_the_documented_way(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        ready = heard.ready()
        heard.sound(talk(TALK), seconds_a_frame=0.02)
        heard.say(action="stop")
        heard.end()
    assert ready["model"] == "micro_whisper"
    assert heard.text == spoken(TALK)
    assert [message["seq"] for message in heard.finals] == [1, 2, 3]
    partials = [message for message in heard.messages if message.get("type") == "partial"]
    assert partials
    assert not any(message.get("text") for message in partials)
    last = heard.messages[-1]
    assert (last["is_final"], last["text"], last["full_text"]) == (True, "", spoken(TALK))
    assert [message for message in heard.messages if message.get("is_final")] == [last]
    assert heard.code == 1000


def test_36_the_sdks_way_needs_no_configuration_and_does_not_wait(product: Product, key: str) -> None:
    with stream(product.address, query=f"?language=en&token={key}") as heard:
        heard.sound(talk(TALK), seconds_a_frame=0.01)
        heard.socket.send(b"")
        heard.until(lambda message: message.get("final"))
        heard.socket.close()
    assert all(isinstance(message["text"], str) and message["type"] for message in heard.messages)
    assert heard.messages[-1]["text"] == spoken(TALK)
    # Where one ends depends on what was heard of it by then, which a busy machine hears later.
    assert " ".join(message["text"] for message in heard.finals[:-1]) == spoken(TALK)


def test_37_an_unknown_key_is_refused_before_the_upgrade(product: Product) -> None:
    unknown = str(new_token("live"))
    with pytest.raises(InvalidStatus) as refused, stream(product.address, unknown):
        pass
    assert refused.value.response.status_code == 401
    assert "error" in json.loads(refused.value.response.body or b"{}")


def test_a_browser_is_told_in_a_frame_what_it_could_not_read_as_a_status(product: Product) -> None:
    with stream(product.address, str(new_token("live")), origin="https://example.org") as heard:
        assert heard.error["code"] == "unauthorized"
        heard.end()
    assert heard.code == 4401


def test_38_sound_before_the_configuration(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        # In one frame: the line is closed behind the first.
        heard.sound(silence(0.1), 3200)
        assert heard.error["fatal"]
        heard.end()
    assert heard.code == 1003


def test_39_a_line_that_breaks_is_waited_for_and_charged_once(product: Product) -> None:
    key = product.key("cut@example.org", 10)
    before = credits_of(product, key)
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.sound(silence(61.0), length=32_000)
        heard.say(action="ping", id="here")
        heard.until(lambda message: message.get("type") == "pong")
        heard.cut()
    assert _settled(product, key, before) == before - 2


def _settled(product: Product, key: str, before: float) -> float:
    """The credits once nothing is held any more."""
    deadline = time.monotonic() + 60
    with product.client(key) as client:
        while time.monotonic() < deadline:
            if client.get("/api/v1/usage/").json()["total"]["credits"]:
                break
            time.sleep(0.2)
    return credits_of(product, key)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"language": "xx"}', 4400),
        ('{"model": "gigantic"}', 4400),
        ('{"profile": "opera"}', 4400),
        ('{"sample_rate": 4}', 4400),
        ('{"encoding": "mp3"}', 4400),
        ('{"encoding": ["mp3"]}', 4400),
        ('{"profile": {}}', 4400),
        (r'{"context": {"text": "\u0000"}}', 4400),
        (r'{"action": "ping", "id": "\ud800"}', 4400),
        ("[" * 200_000, 4400),
        ('{"endpoint_ms": true}', 4400),
        ('{"context": {"terms": [1]}}', 4400),
        ("not json", 4400),
        ("[1]", 4400),
        ('{"action": "dance"}', 4400),
        ('{"action": "stop"}', 4400),
        ('{"resume": "nothing"}', 4404),
    ],
)
def test_what_cannot_be_obeyed_is_said_before_the_end(product: Product, key: str, message: str, code: int) -> None:
    with stream(product.address, key) as heard:
        heard.socket.send(message)
        assert heard.error["fatal"]
        heard.end()
    assert heard.code == code


def test_a_second_configuration_ends_the_stream_with_its_text(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.say(**AGENT)
        assert heard.error["code"] == "protocol_order"
        heard.end()
    assert heard.code == 4409


def test_unknown_keys_are_named_not_refused(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT, colour="blue")
        assert heard.ready()["ignored"] == ["colour"]


def test_words_languages_terms_and_other_encodings(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        say(heard, talk(SPANISH[:2]), language=["es", "en"], words=True)
    assert heard.text == spoken(SPANISH[:2])
    words = [word for message in heard.finals for word in message["segment"]["words"]]
    assert {"word", "start", "end", "confidence"} <= words[0].keys()

    twice = np.repeat(talk(["en_door"]), 3)  # 48 kHz
    with stream(product.address, key) as heard:
        say(heard, twice, sample_rate=48_000)
    assert heard.text == TEXTS["en_door"]

    with stream(product.address, key) as heard:
        heard.say(**AGENT, encoding="pcm_f32le", channels=2)
        heard.ready()
        both = np.repeat(talk(["en_water"]).astype(np.float32) / 32768.0, 2)
        for at in range(0, len(both), 1001):  # frames need not end where samples do
            heard.socket.send(both[at : at + 1001].astype("<f4").tobytes())
        heard.say(action="stop")
        heard.end()
    assert heard.text == TEXTS["en_water"]


def test_sound_may_come_as_json(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.say(type="audio", audio=base64.b64encode(talk(["en_door"]).tobytes()).decode())
        heard.say(action="stop")
        heard.end()
    assert heard.text == TEXTS["en_door"]


def test_finalize_update_ping_and_acks(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        heard.say(**AGENT, acks=True)
        heard.ready()
        heard.sound(np.concatenate([silence(0.4), clip("en_door")]))
        heard.say(action="finalize", id="now")
        heard.until(lambda message: message == {"type": "finalized", "id": "now"})
        assert [message["reason"] for message in heard.finals] == ["finalize"]
        heard.say(action="update", language="es")
        heard.until(lambda message: message == {"type": "updated"})
        heard.say(action="ping", id=7)
        heard.until(lambda message: message == {"type": "pong", "id": 7})
        heard.say(action="keepalive")
        heard.sound(talk(["es_agua"]))
        heard.say(action="stop")
        heard.end()
    assert [message["segment"]["language"] for message in heard.finals] == ["en", "es"]
    acks = [message["audio_ms"] for message in heard.messages if message.get("type") == "ack"]
    assert acks == sorted(acks)


def test_who_waits_for_acks_gets_them_without_sending_more(product: Product, key: str) -> None:
    pcm = talk(TALK)
    with stream(product.address, key) as heard:
        heard.say(**AGENT, acks=True)
        heard.ready()
        heard.sound(np.concatenate([pcm, silence(2.0)]), length=32_000)
        heard.until(lambda message: message.get("type") == "ack" and message["audio_ms"] >= len(pcm) // 16)
        heard.say(action="stop")
        heard.end()
    assert heard.text == spoken(TALK)


def test_a_stream_is_taken_up_again_after_a_broken_line(product: Product, key: str) -> None:
    pcm = talk(TALK)
    half = len(pcm) // 2
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        ready = heard.ready()
        heard.sound(pcm[:half], seconds_a_frame=0.01)
        first = heard.until(lambda message: message.get("type") == "transcript")
        heard.cut()
    with stream(product.address, key) as again:
        again.say(resume=ready["resume_token"], last_seq=first["seq"])
        resumed = again.ready()
        assert resumed["resumed"]
        assert resumed["session_id"] == ready["session_id"]
        again.sound(pcm[resumed["audio_ms"] * 16 :])
        again.say(action="stop")
        again.end()
    assert [first["text"], *[message["text"] for message in again.finals]] == [TEXTS[name] for name in TALK]
    assert again.messages[-1]["full_text"] == spoken(TALK)


def test_nobody_else_resumes_it(product: Product, key: str) -> None:
    other = product.key("nosy@example.org", 10)
    with stream(product.address, key) as heard:
        heard.say(**AGENT)
        token = heard.ready()["resume_token"]
        with stream(product.address, other) as nosy:
            nosy.say(resume=token)
            nosy.end()
        assert nosy.code == 4404


def test_without_credits_there_is_no_stream(product: Product) -> None:
    broke = product.key("broke@example.org")
    product.manage("shell", "-c", _SPENT)
    with stream(product.address, broke) as heard:
        heard.say(**AGENT)
        assert heard.error["status"] == 402
        heard.end()
    assert heard.code == 4402


_SPENT = """
from accounts.models import User
from accounts.services import ledger
user = User.objects.get(email="broke@example.org")
ledger.reserve(user, "test:all", ledger.available_mc(user))
ledger.settle("test:all", 10**12)
"""


def test_places_are_shared_with_recordings_and_given_back(product: Product) -> None:
    free = product.key("places@example.org")  # the free plan has two
    with stream(product.address, free) as one, stream(product.address, free) as two:
        for heard in (one, two):
            heard.say(**AGENT)
            heard.ready()
        with stream(product.address, free) as third:
            third.say(**AGENT)
            assert third.error["status"] == 429
            third.end()
        assert third.code == 4429
        with product.client(free) as client, product.speech.open("rb") as file:
            assert client.post("/v1/transcribe", files={"file": file}).status_code == 429
        for heard in (one, two):
            heard.say(action="stop")
            heard.end()
    with stream(product.address, free) as heard:
        heard.say(**AGENT)
        heard.ready()


def test_a_revoked_key_ends_the_stream_with_its_text(product: Product) -> None:
    doomed = product.key("doomed@example.org", 10)
    with stream(product.address, doomed) as heard:
        heard.say(**AGENT)
        heard.ready()
        heard.sound(np.concatenate([silence(0.4), clip("en_door")]))
        with product.client(doomed) as client:
            [row] = client.get("/api/v1/keys/").json()["results"]
        product.manage(
            "shell",
            "-c",
            f"from accounts.models import ApiKey; from accounts.services import api_keys; "
            f"api_keys.revoke(ApiKey.objects.get(pk={row['id']}))",
        )
        heard.end()
    assert heard.text == TEXTS["en_door"]
    assert heard.error["code"] == "unauthorized"
    assert heard.code == 4401


def test_a_saved_stream_is_a_transcript_with_its_sound(product: Product, key: str) -> None:
    with stream(product.address, key) as heard:
        say(heard, talk(TALK), save=True, save_audio=True)
    saved = heard.messages[-1]["transcript"]
    with product.client(key) as client:
        transcript = client.get("/api/v1/transcripts/", params={"limit": 1}).json()["results"][0]
        found = client.get(f"/api/v1/transcripts/{transcript['slug']}/").json()
        assert client.get(f"/api/v1/transcripts/{transcript['slug']}/export/srt/").text.count("-->") >= 3
    assert saved
    assert found["text"] == spoken(TALK)
    assert [segment["text"] for segment in found["segments"]] == [TEXTS[name] for name in TALK]


def test_a_browser_s_token_opens_one_stream(product: Product, key: str) -> None:
    with product.client(key) as client:
        token = client.post("/v1/stream/token", json={}).json()["token"]
    with stream(product.address, subprotocols=["steno.v1", token]) as heard:
        assert heard.socket.subprotocol == "steno.v1"
        say(heard, talk(["en_door"]))
    assert heard.text == TEXTS["en_door"]
    with pytest.raises(InvalidStatus) as refused, stream(product.address, subprotocols=["steno.v1", token]):
        pass
    assert refused.value.response.status_code == 401


def test_other_addresses_have_no_socket(product: Product) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"{product.address.replace('http', 'ws', 1)}/v1/nothing"):
        pass
    assert refused.value.response.status_code == 404


def test_usage_counts_live_minutes(product: Product, key: str, tmp_path: Path) -> None:
    with product.client(key) as client:
        assert client.get("/api/v1/usage/").json()["total"]["credits"] > 0
    assert httpx.get(f"{product.address}/health").json()["status"] == "ok"
