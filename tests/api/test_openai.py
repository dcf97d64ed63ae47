"""OpenAI's addresses over a stand-in engine: what is asked for, what is answered, what is refused."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import RequestLog, User
from accounts.services import ledger
from engine.errors import BadReference
from engine.types import Keyword, ModelStatus
from tests.transcripts.stand_ins import StandInEngine
from transcripts import storage
from transcripts.models import Job, Media

pytestmark = pytest.mark.django_db
TEXT = "chunk 0 chunk 1 chunk 2"
CLIP = "data:audio/wav;base64," + base64.b64encode(b"RIFF" * 9).decode()


def ask(client: Client, path: str = "transcriptions", *, name: str = "talk.wav", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, b"RIFF", "audio/wav")
    headers = fields.pop("headers", {})
    return client.post(f"/v1/audio/{path}", {"file": file, "model": "whisper-1", **fields}, headers=headers)


def complaint(answer: Any) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return answer.status_code, error["param"], error["code"]


def events(answer: Any) -> list[Any]:
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["X-Accel-Buffering"] == "no"
    frames = b"".join(answer.streaming_content).decode().split("\n\n")
    assert frames.pop() == ""
    answer.close()
    said = [frame.removeprefix("data: ") for frame in frames if not frame.startswith(":")]
    return [each if each == "[DONE]" else json.loads(each) for each in said]


def test_json_and_its_usage(keyed: Client, worker: None) -> None:
    answer = ask(keyed)
    assert answer.json() == {"text": TEXT, "usage": {"type": "duration", "seconds": 30}}
    assert answer.headers["X-Model"] == "stand-in"
    assert answer.headers["x-ratelimit-remaining-requests"]
    assert answer.headers["X-Request-Id"]
    tokens = ask(keyed, model="gpt-4o-transcribe", prompt="two words").json()["usage"]
    details = {"audio_tokens": 300, "text_tokens": 2}
    assert tokens == {
        "type": "tokens",
        "input_tokens": 302,
        "output_tokens": 6,
        "total_tokens": 308,
        "input_token_details": details,
    }
    assert ask(keyed, model="gpt-transcribe").json()["languages"] == [{"code": "en"}]


def test_what_is_asked_for_reaches_the_engine(keyed: Client, worker: None, engine: StandInEngine) -> None:
    fields: dict[str, Any] = {
        "language": "en",
        "languages[]": ["en", "de"],
        "prompt": "Minutes of the board.",
        "keywords[]": ["Steno", "Acme"],
        "temperature": "0.4",
        "chunking_strategy[type]": "server_vad",
        "chunking_strategy[threshold]": "0.5",
        "unheard_of": "x",
    }
    assert ask(keyed, **fields).status_code == 200
    heard = engine.options[-1]
    assert (heard.model, heard.language, heard.languages) == ("whisper-1", "en", ("en", "de"))
    assert (heard.prompt, heard.keywords) == ("Minutes of the board.", (Keyword("Steno"), Keyword("Acme")))
    assert (heard.diarize, heard.task) == (False, "transcribe")


def test_verbose_json_has_what_was_asked_for(keyed: Client, worker: None) -> None:
    usual = ask(keyed, response_format="verbose_json").json()
    assert (usual["task"], usual["language"], usual["duration"]) == ("transcribe", "english", 30.0)
    assert "words" not in usual
    first = usual["segments"][1]
    assert first == {
        "id": 1,
        "seek": 0,
        "start": 10.0,
        "end": 20.0,
        "text": " chunk 1",
        "tokens": [1, 2],
        "temperature": 0.0,
        "avg_logprob": -0.2,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }
    words = ask(keyed, response_format="verbose_json", **{"timestamp_granularities[]": "word"}).json()
    assert "segments" not in words
    assert words["words"][0] == {"word": "chunk", "start": 0.0, "end": 1.0}
    both = ask(keyed, response_format="verbose_json", timestamp_granularities=["word", "segment"]).json()
    assert len(both["words"]) == 6
    assert len(both["segments"]) == 3


def test_the_plain_formats(keyed: Client, worker: None) -> None:
    texts = {form: ask(keyed, response_format=form) for form in ("text", "srt", "vtt")}
    assert {answer.headers["Content-Type"] for answer in texts.values()} == {"text/plain; charset=utf-8"}
    assert texts["text"].content.decode() == f"{TEXT}\n"
    assert texts["srt"].content.startswith(b"1\n00:00:00,000 --> ")
    assert texts["vtt"].content.startswith(b"WEBVTT\n")


def test_translations_are_english(keyed: Client, worker: None, engine: StandInEngine) -> None:
    assert ask(keyed, "translations", stream="true", language="nonsense").json() == {"text": TEXT}
    assert engine.options[-1].task == "translate"
    verbose = ask(keyed, "translations", response_format="verbose_json").json()
    assert (verbose["task"], verbose["language"], len(verbose["segments"])) == ("translate", "english", 3)
    assert complaint(ask(keyed, "translations", response_format="diarized_json"))[:2] == (400, "response_format")


@pytest.mark.parametrize(("model", "status"), [("whisper-1", 503), ("gpt-4o-transcribe", 503), ("large-v3-turbo", 400)])
def test_a_model_that_cannot_translate_is_not_asked_to(
    keyed: Client, worker: None, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch, model: str, status: int
) -> None:
    """Named itself, it is the wrong one; a name that stands for the best there is finds none here."""
    installed = (ModelStatus("large-v3-turbo", True, True),)
    turbo = replace(engine.status(), default_model="large-v3-turbo", models=installed)
    monkeypatch.setattr(engine, "status", lambda: turbo)
    answer = ask(keyed, "translations", model=model)
    assert complaint(answer)[0] == status
    assert all(able in answer.json()["error"]["message"] for able in ("large-v3,", "medium", "small"))
    assert (Job.objects.count(), engine.options) == (0, [])
    assert ask(keyed, model=model).status_code == 200


def test_logprobs_join_to_the_text(keyed: Client, worker: None) -> None:
    entries = ask(keyed, **{"include[]": "logprobs"}).json()["logprobs"]
    assert "".join(entry["token"] for entry in entries) == TEXT
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in entries)
    assert {entry["logprob"] for entry in entries} == {-0.1054, -0.2231}


def test_a_stream_is_the_text_in_pieces(keyed: Client, worker: None) -> None:
    heard = events(ask(keyed, stream="true", **{"include[]": "logprobs"}))
    deltas = [event for event in heard if event != "[DONE]" and event["type"] == "transcript.text.delta"]
    done = heard[-2]
    assert heard[-1] == "[DONE]"
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == TEXT
    assert [entry for delta in deltas for entry in delta["logprobs"]] == done["logprobs"]
    assert done["usage"]["type"] == "tokens"
    line = RequestLog.objects.get()
    assert (line.status, line.charged_mc) == (200, 1000)


def test_a_diarized_stream_tells_its_segments(keyed: Client, worker: None, engine: StandInEngine) -> None:
    engine.diarizer = "stand-in"
    asked = {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}
    heard = events(ask(keyed, stream="true", **asked))
    kinds = [event["type"] for event in heard[:-1]]
    assert kinds == ["transcript.text.delta", *["transcript.text.segment"] * 3, "transcript.text.done"]
    whole = ask(keyed, chunking_strategy='{"type": "server_vad", "threshold": 0.5}', **asked).json()
    assert [event for event in heard[:-1] if event["type"] == "transcript.text.segment"] == whole["segments"]
    assert {segment["speaker"] for segment in whole["segments"]} == {"A"}
    assert [segment["id"] for segment in whole["segments"]] == ["seg_0", "seg_1", "seg_2"]


def test_a_stream_that_fails_says_so_and_costs_nothing(
    keyed: Client, worker: None, engine: StandInEngine, alice: User
) -> None:
    before = ledger.available_mc(alice)

    def fail(on_event: Any, resumed: int) -> None:
        raise BadReference("The reference recording of Ann is too short.")

    engine.script = fail
    heard = events(ask(keyed, stream="true"))
    assert [list(event) for event in heard] == [["error"]]
    assert heard[0]["error"]["code"] == "invalid_value"
    assert ledger.available_mc(alice) == before
    assert RequestLog.objects.get().status == 400


def test_a_repeated_stream_is_charged_once(keyed: Client, worker: None, engine: StandInEngine) -> None:
    once: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}, "stream": "true"}
    first, again = events(ask(keyed, **once)), events(ask(keyed, **once))
    assert first == again
    assert Job.objects.count() == 1


def test_voices_of_known_speakers(
    keyed: Client, worker: None, engine: StandInEngine, django_capture_on_commit_callbacks: Any
) -> None:
    engine.diarizer = "stand-in"
    seen: list[bytes] = []
    engine.script = lambda on_event, resumed: seen.extend(
        Path(known.clip).read_bytes() for known in engine.options[-1].known_speakers
    )
    known: dict[str, Any] = {"known_speaker_names[]": ["Ann", "Ben"], "known_speaker_references[]": [CLIP, CLIP]}
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask(keyed, model="gpt-4o-transcribe-diarize", response_format="diarized_json", **known)
    assert answer.status_code == 200
    assert [known.name for known in engine.options[-1].known_speakers] == ["Ann", "Ben"]
    assert seen == [b"RIFF" * 9] * 2
    with pytest.raises(FileNotFoundError), storage.local_path(Media.objects.get().key, storage.VOICES[0]):
        pass
    assert not storage.incoming_files(older_than=2**40)


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"response_format": "txt"}, 400, "response_format", "invalid_value"),
        ({"temperature": "1.5"}, 400, "temperature", "invalid_value"),
        ({"temperature": "nan"}, 400, "temperature", "invalid_value"),
        ({"timestamp_granularities[]": "word"}, 400, "timestamp_granularities", "unsupported_value"),
        (
            {"response_format": "verbose_json", "timestamp_granularities[]": "letter"},
            400,
            "timestamp_granularities",
            "invalid_value",
        ),
        ({"include[]": "logprobs", "response_format": "verbose_json"}, 400, "include", "unsupported_value"),
        ({"include[]": "moods"}, 400, "include", "invalid_value"),
        ({"model": ""}, 400, "model", None),
        ({"model": "foo"}, 404, None, "model_not_found"),
        ({"language": "English"}, 400, "language", "invalid_language_format"),
        ({"stream": "perhaps"}, 400, "stream", "invalid_type"),
        ({"stream": "true", "response_format": "srt"}, 400, "stream", "unsupported_value"),
        ({"chunking_strategy": "always"}, 400, "chunking_strategy", "invalid_value"),
        ({"chunking_strategy": '{"type": '}, 400, "chunking_strategy", "invalid_value"),
        ({"chunking_strategy[type]": "magic"}, 400, "chunking_strategy", "invalid_value"),
        (
            {"chunking_strategy": '{"type": "server_vad", "threshold": 2}'},
            400,
            "chunking_strategy.threshold",
            "invalid_value",
        ),
        (
            {"known_speaker_names[]": ["a", "b"], "known_speaker_references[]": CLIP},
            400,
            "known_speaker_references",
            "invalid_value",
        ),
        ({"known_speaker_names": "a", "known_speaker_references": "http://x"}, 400, "known_speaker_references", None),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "x"}, 400, "prompt", "unsupported_value"),
    ],
)
def test_what_will_not_do(
    keyed: Client, fields: dict[str, Any], status: int, param: str | None, code: str | None
) -> None:
    assert complaint(ask(keyed, **fields)) == (status, param, code)
    assert not Job.objects.exists()


def test_refusals_that_repeating_cannot_help_say_so(keyed: Client, alice: User, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    answer = ask(keyed)
    assert complaint(answer) == (429, None, "insufficient_quota")
    assert answer.json()["error"]["type"] == "insufficient_quota"
    assert answer.headers["x-should-retry"] == "false"
    assert complaint(ask(Client())) == (401, None, "invalid_api_key")
    assert complaint(keyed.post("/v1/audio/transcriptions", {"model": "whisper-1"})) == (
        429,
        None,
        "insufficient_quota",
    )


def test_addresses_that_are_not_here(keyed: Client) -> None:
    for address in ("/v1/responses", "/v1/audio/speech"):
        assert complaint(keyed.post(address, "{}", "application/json")) == (404, None, None)


def test_models_are_looked_up_by_their_ids_and_by_the_vendor_s_names(keyed: Client) -> None:
    for model in ("small", "whisper-1", "gpt-4o-mini-transcribe"):
        found = keyed.get(f"/v1/models/{model}").json()
        assert (found["id"], found["object"]) == (model, "model")
    assert complaint(keyed.get("/v1/models/gpt-9")) == (404, None, "model_not_found")


def test_speakers_that_nobody_can_tell_apart_are_no_answer(keyed: Client) -> None:
    answer = ask(keyed, model="gpt-4o-transcribe-diarize", response_format="diarized_json")
    assert complaint(answer) == (503, None, None)
    assert answer.headers["Retry-After"]
    assert not Job.objects.exists()


def test_strict_mode_refuses_what_the_vendor_refuses(
    keyed: Client, worker: None, settings: Settings, engine: StandInEngine
) -> None:
    settings.OPENAI_STRICT = True
    asked = {"model": "gpt-4o-transcribe", "response_format": "verbose_json"}
    assert complaint(ask(keyed, **asked)) == (400, "response_format", "unsupported_value")
    assert complaint(ask(keyed, model="gpt-4o-transcribe-diarize")) == (400, "chunking_strategy", "invalid_value")
    assert complaint(ask(keyed, name="talk.bin")) == (400, None, None)
    assert ask(keyed, stream="true").json()["text"] == TEXT
    engine.info = type(engine.info)("wav", "pcm_s16le", 1401.0, 16000, 1, False)
    assert complaint(ask(keyed, model="gpt-4o-transcribe")) == (400, None, "invalid_value")
    assert ask(keyed).status_code == 200
