"""STT.ai's acceptance checks that tests/api/test_contract.py leaves: limits, charges, keys, the account."""

from typing import Any

import httpx
import numpy as np
import pytest

from tests.dialects.examples import examples
from tests.dialects.server import Server
from tests.engine.media import wave_file
from tests.engine.speech import talk
from tests.engine.test_diarize import TALK, dialogue
from tests.live import NAMES
from tests.uploads.conftest import until

pytestmark = pytest.mark.slow


def transcribe(client: httpx.Client, file: bytes) -> httpx.Response:
    return client.post("/v1/transcribe", files={"file": ("a.wav", file)}, data={"diarize": "false"})


def key_with(server: Server, email: str, scopes: str) -> str:
    make = (
        "from accounts.models import User; from accounts.services import api_keys; "
        f"user, _ = User.objects.get_or_create(email={email!r}); "
        f"print(api_keys.create_key(user, 'all', {scopes.split()!r})[1])"
    )
    return server.product.manage("shell", "-c", make).split()[-1]


def test_16_a_guest_s_file_of_a_byte_too_many(server: Server, speech: bytes) -> None:
    counted = "from accounts.models import DailyUse; print(sum(DailyUse.objects.values_list('count', flat=True)))"
    before = server.product.manage("shell", "-c", counted).split()[-1]
    with server.product.client() as nobody:
        answer = transcribe(nobody, bytes(100_000_001))
    assert (answer.status_code, list(answer.json())) == (413, ["error"])
    assert server.product.manage("shell", "-c", counted).split()[-1] == before
    assert list((server.product.data_dir / "incoming").iterdir()) == []


def test_18_without_credits(server: Server, speech: bytes) -> None:
    with server.product.client(server.keys["empty"]) as client:
        answer = transcribe(client, speech)
        jobs = client.get("/api/v1/transcripts/").json()["count"]
    assert (answer.status_code, answer.json()) == (402, {"error": "No credits remaining. Upgrade your plan."})
    assert jobs == 0


def test_19_a_begun_minute_is_a_credit(server: Server, speech: bytes) -> None:
    key = server.keys["paid"]
    minute = wave_file(talk(NAMES * 12).tobytes())
    with server.product.client(key) as client:
        before = server.credits(key)
        assert transcribe(client, speech).status_code == 200
        assert before - server.credits(key) == pytest.approx(1)
        long = transcribe(client, minute)
        assert 60 < long.json()["duration"] <= 120
        assert before - server.credits(key) == pytest.approx(3)


def test_5_two_voices(server: Server) -> None:
    samples, _ = dialogue(*TALK)
    file = wave_file(np.concatenate([samples, samples]).tobytes())
    with server.product.client(server.keys["paid"]) as client:
        body = client.post("/v1/transcribe", files={"file": ("two.wav", file)}, data={"speakers": "2"}).json()
    assert body["speakers"] == ["Speaker 1", "Speaker 2"]
    assert body["segments"][0]["speaker"] == "Speaker 1"
    assert {segment["speaker"] for segment in body["segments"]} == {"Speaker 1", "Speaker 2"}


def test_20_21_as_many_at_once_as_the_plan_says(server: Server, speech: bytes) -> None:
    """The third for a guest of the free plan and across dialects: test_contract.py."""
    long = wave_file(talk(NAMES * 30).tobytes())
    key = server.keys["paid"]
    leavers = [server.leave_after(examples()["stt_ai"], long, key) for _ in range(5)]
    until(lambda: server.open_jobs(key) == 5)
    with server.product.client(key) as client:
        sixth = transcribe(client, speech)
        assert (sixth.status_code, list(sixth.json())) == (429, ["error"])
        assert int(sixth.headers["Retry-After"]) > 0
    leavers.pop()()
    until(lambda: server.open_jobs(key) == 4)
    leavers.append(server.leave_after(examples()["stt_ai"], long, key))
    until(lambda: server.open_jobs(key) == 5)
    for leave in leavers:
        leave()
    until(lambda: server.open_jobs(key) == 0)


def test_40_41_a_key_is_shown_once_and_ends_everywhere(server: Server, speech: bytes) -> None:
    key = key_with(server, "keys@example.com", "read keys:write transcribe")
    with server.product.client(key) as client:
        made = client.post("/api/v1/keys/", json={"name": "for a day"})
        assert made.status_code == 201, made.text
        new, number = made.json()["key"], made.json()["id"]
        listed = client.get("/api/v1/keys/")
        assert new not in listed.text
        assert new.startswith(next(one["prefix"] for one in listed.json()["results"] if one["id"] == number))
        assert client.delete(f"/api/v1/keys/{number}/").status_code == 204
    for example in examples().values():
        assert server.send(example, example.ask(speech), new).status_code == 401


def test_48_to_50_the_account(server: Server, speech: bytes) -> None:
    key = key_with(server, "account@example.com", "read write transcribe")
    with server.product.client(key) as client:
        before: Any = client.get("/api/v1/account/").json()
        assert transcribe(client, speech).status_code == 200
        usage = client.get("/api/v1/usage/").json()
        assert len(usage["days"]) == 30
        assert usage["days"][-1]["minutes"] == usage["total"]["minutes"] == 1
        cloud = client.get("/api/v1/cloud/")
        assert (cloud.status_code, cloud.json()["results"]) == (200, [])
        assert client.patch("/api/v1/account/", json={"plan": "paid"}).status_code == 400
        assert client.get("/api/v1/account/").json()["plan"] == before["plan"]
