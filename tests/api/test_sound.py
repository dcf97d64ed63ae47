"""POST /v1/enhance-audio and /v1/tts behind the real gate's rules, with an engine that says what it is told to."""

import logging
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import ConcurrencySlot, User
from accounts.services import ledger, limits
from accounts.services.access import Caller
from accounts.services.plans import free
from engine.errors import MediaError, VoiceUnavailable
from tests.transcripts.stand_ins import StandInEngine
from transcripts import incoming
from transcripts.services.sound import MAX_TEXT

pytestmark = pytest.mark.django_db
TEXT = {"text": " Hello there. ", "consent": "true"}


def enhance(client: Client, body: bytes = b"RIFF") -> Any:
    return client.post("/v1/enhance-audio", {"file": SimpleUploadedFile("talk.wav", body, "audio/wav")})


def speak(client: Client, **fields: str) -> Any:
    voice = SimpleUploadedFile("voice.wav", b"RIFF", "audio/wav")
    return client.post("/v1/tts", {"reference": voice, **fields})


def whole(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_recording_comes_back_as_a_wav_and_nothing_is_kept_or_charged(
    keyed: Client, alice: User, engine: StandInEngine
) -> None:
    before = ledger.balance(alice)
    answer = enhance(keyed, b"RIFF and more")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/wav")
    assert answer.headers["Content-Length"] == "13"
    assert whole(answer) == b"RIFF and more"
    assert ledger.balance(alice) == before
    assert not ConcurrencySlot.objects.exists()
    assert not list(incoming.directory().iterdir())


def test_an_account_without_credits_may_still_have_a_recording_enhanced(
    keyed: Client, alice: User, engine: StandInEngine, settings: Any
) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    assert ledger.available_mc(alice) == 0
    assert enhance(keyed).status_code == 200


def test_a_key_is_needed(anonymous: Client, engine: StandInEngine) -> None:
    for answer in (enhance(anonymous), speak(anonymous, **TEXT)):
        assert answer.status_code == 401
        assert set(answer.json()) == {"error"}


def test_both_count_towards_a_limit_a_minute(keyed: Client, engine: StandInEngine) -> None:
    assert enhance(keyed).headers["RateLimit-Policy"] == '"text";q=60;w=60'


def test_it_takes_one_of_the_plans_places(keyed: Client, alice: User, engine: StandInEngine) -> None:
    caller = Caller(alice, None, "192.0.2.1", free())
    for number in range(free().concurrent):
        limits.take_slot(caller, f"other:{number}")
    answer = enhance(keyed)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("missing", ["/v1/enhance-audio", "/v1/tts"])
def test_without_a_file_it_says_which_field(keyed: Client, engine: StandInEngine, missing: str) -> None:
    answer = keyed.post(missing, TEXT)
    assert answer.status_code == 400
    assert ("`file`" if missing == "/v1/enhance-audio" else "`reference`") in answer.json()["error"]


def test_what_is_no_recording_is_refused(keyed: Client, engine: StandInEngine, monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise MediaError("no_audio_stream")

    monkeypatch.setattr(engine, "enhance", refuse)
    answer = enhance(keyed)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert not ConcurrencySlot.objects.exists()


def test_a_text_is_spoken_and_who_had_it_spoken_is_written_down(
    keyed: Client, alice: User, engine: StandInEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "transcripts.services.sound"):
        answer = speak(keyed, **TEXT)
    assert whole(answer) == b"Hello there."
    assert answer.headers["X-Duration"] == "1.500"
    assert float(answer.headers["X-Generation-Time"]) >= 0
    [line] = [record.getMessage() for record in caplog.records if record.name == "transcripts.services.sound"]
    assert f"user:{alice.pk}" in line
    assert "Hello" not in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"consent": ""}, "consent"),
        ({"consent": "false"}, "consent"),
        ({"consent": "perhaps"}, "consent"),
        ({"text": "  "}, "1 to 1000"),
        ({"text": "x" * (MAX_TEXT + 1)}, "has 1001"),
    ],
)
def test_consent_and_a_text_of_bearable_length_are_needed(
    keyed: Client, engine: StandInEngine, changes: dict[str, str], said: str
) -> None:
    answer = speak(keyed, **{**TEXT, **changes})
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_server_that_cannot_speak_says_why(keyed: Client, engine: StandInEngine) -> None:
    engine.voice_error = VoiceUnavailable("This server has no F5-TTS.")
    answer = speak(keyed, **TEXT)
    assert answer.status_code == 503
    assert answer.json()["error"] == "This server has no F5-TTS. Nothing was charged."
    assert answer.headers["Retry-After"]
