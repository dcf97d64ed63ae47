"""POST /v1/chat/completions through the views, with an engine and a language model that say what they are told to."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import ledger
from engine.errors import EngineError
from engine.types import Notice
from tests.dialects.llm_double import LanguageModel
from tests.transcripts.stand_ins import StandInEngine
from transcripts.models import Job, Transcript
from transcripts.services.audit import audit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]
TEXT = "chunk 0 chunk 1 chunk 2"
SOUND = base64.b64encode(b"RIFF").decode()
TASK = "<task>speech_to_text</task>"


def ask(client: Client, prompt: str = "Transcribe", system: str = "", data: str | None = SOUND, **more: Any) -> Any:
    headers = more.pop("headers", {})
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    if data is not None:
        parts.append({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})
    messages = [*([{"role": "system", "content": system}] if system else []), {"role": "user", "content": parts}]
    body = {"model": "interfaze-beta", "messages": messages, **more}
    return client.post("/v1/chat/completions", json.dumps(body), "application/json", headers=headers)


def wanted(*names: str, **types: Any) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in names} | types
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def content(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


def filled(answer: Any) -> Any:
    return json.loads(content(answer))


def error(answer: Any, status: int, code: str) -> str:
    body = answer.json()["error"]
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["request_id"] == answer.headers["X-Request-Id"]
    message: str = body["message"]
    return message


def left_mc(user: User) -> int:
    return ledger.balance(user).available_mc


@pytest.fixture
def model(settings: Settings) -> Iterator[LanguageModel]:
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL, settings.LLM_KEY = model.address, "local", "secret"
        yield model


def test_a_schema_is_filled_from_the_transcript(keyed: Client, alice: User) -> None:
    before = left_mc(alice)
    answer = ask(keyed, response_format=wanted("text", "language"))
    assert filled(answer) == {"text": TEXT, "language": "en"}
    body = answer.json()
    assert body["id"].startswith("interfaze-")
    assert body["created"] == int(body["id"].partition("-")[2]) // 1000
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    [raw] = body["precontext"]
    assert (raw["name"], raw["result"]["text"]) == ("stt", TEXT)
    assert raw["result"]["chunks"][:2] == [
        {"timestamp": [0.0, 5.0], "text": "chunk"},
        {"timestamp": [5.0, 10.0], "text": "0"},
    ]
    assert answer.headers["X-Model"] == "stand-in"
    assert before - left_mc(alice) == 1000


def test_task_mode_has_one_shape_and_no_precontext(keyed: Client) -> None:
    answer = ask(keyed, system=TASK)
    assert filled(answer)["name"] == "speech_to_text"
    assert filled(answer)["result"]["text"] == TEXT
    assert "precontext" not in answer.json()
    by_word = filled(ask(keyed, "Transcribe by word", TASK))
    assert [chunk["text"] for chunk in by_word["result"]["chunks"]] == TEXT.split()
    first_wins = ask(keyed, system=f"{TASK}<task>ocr</task>", response_format=wanted("text"))
    assert filled(first_wins) == {"text": TEXT}
    assert "precontext" in first_wins.json()


def test_plain_text_and_bare_json(keyed: Client) -> None:
    assert content(ask(keyed)) == TEXT
    found = filled(ask(keyed, response_format={"type": "json_object"}))
    assert (found["text"], found["duration"]) == (TEXT, 30.0)


def test_speakers_are_told_apart_where_the_schema_or_the_prompt_asks(keyed: Client, engine: StandInEngine) -> None:
    engine.diarizer = "stand-in"
    part = {"type": "object", "properties": {"speaker_id": {"type": "string"}, "text": {"type": "string"}}}
    schema = wanted(number_of_speakers={"type": "integer"}, chunks={"type": "array", "items": part})
    answer = ask(keyed, response_format=schema)
    assert filled(answer)["number_of_speakers"] == 1
    assert {chunk["speaker_id"] for chunk in filled(answer)["chunks"]} == {"SPEAKER_00"}
    assert answer.json()["precontext"][0]["result"]["chunks"][0]["speaker"] == "SPEAKER_00"
    assert engine.options[-1].diarize
    assert ask(keyed, "Transcribe and identify the speakers").json()["precontext"][0]["result"]["chunks"][0]["speaker"]
    ask(keyed)
    assert not engine.options[-1].diarize


def test_speakers_that_nobody_can_tell_apart_are_a_refusal(keyed: Client, alice: User) -> None:
    before = left_mc(alice)
    answer = ask(keyed, "Transcribe and diarize", response_format=wanted("text"))
    assert "speakers" in error(answer, 503, "model_unavailable")
    assert (left_mc(alice), Job.objects.count()) == (before, 0)


def test_without_a_language_model_its_fields_are_named_before_anything_is_done(keyed: Client) -> None:
    answer = ask(keyed, response_format=wanted("text", "summary", "intent"))
    message = error(answer, 503, "model_unavailable")
    assert "intent, summary" in message
    assert int(answer.headers["Retry-After"]) > 0
    assert "'fr'" in error(ask(keyed, "Translate it to French"), 503, "model_unavailable")
    both = ask(keyed, "Translate it to English", response_format=wanted("text", "translated_text"))
    assert "text" in error(both, 503, "model_unavailable")
    spoken = ask(keyed, "Translate to French:\n\nGood morning", "<task>translate</task>", None)
    assert "text" in error(spoken, 503, "model_unavailable")
    assert Job.objects.count() == 0


def test_the_recogniser_itself_writes_english(keyed: Client, engine: StandInEngine) -> None:
    schema = wanted("translated_text", "original_language_code", "translated_language_code")
    answer = ask(keyed, "Transcribe and translate it to English", response_format=schema)
    assert filled(answer)["translated_text"] == TEXT
    assert filled(answer)["translated_language_code"] == "en"
    assert [raw["name"] for raw in answer.json()["precontext"]] == ["translate"]
    assert engine.options[-1].task == "translate"
    task = filled(ask(keyed, "Translate", "<task>translate</task>"))
    assert task == {
        "name": "translate",
        "result": {
            "translated_text": TEXT,
            "source_language": "auto-detected",
            "target_language": "en",
            "batch_size": 1,
        },
    }


def test_a_language_model_fills_what_a_transcript_does_not_say(keyed: Client, model: LanguageModel) -> None:
    part = {"type": "object", "properties": {"text": {"type": "string"}, "mood": {"type": "string"}}}
    part["required"] = ["text", "mood"]
    schema = wanted("text", "summary", chunks={"type": "array", "items": part}, score={"type": "number"})
    found = filled(ask(keyed, "Summarise it in two lines", response_format=schema))
    assert (found["text"], found["summary"], found["score"]) == (TEXT, "as the model says", 0.5)
    assert [chunk["text"] for chunk in found["chunks"]] == TEXT.split()
    assert {chunk["mood"] for chunk in found["chunks"]} == {"as the model says"}
    [asked] = model.asked
    assert model.keys == ["Bearer secret"]
    assert asked["model"] == "local"
    assert TEXT in asked["messages"][1]["content"]
    assert "two lines" in asked["messages"][0]["content"]
    assert set(asked["response_format"]["json_schema"]["schema"]["properties"]) == {"summary", "chunks[].mood", "score"}


def test_a_language_model_translates_and_the_original_stays(keyed: Client, model: LanguageModel) -> None:
    model.reply = lambda body: {"texts": ["块"]}
    schema = wanted("text", "translated_text", "original_language_code", "translated_language_code")
    answer = ask(keyed, "Transcribe the audio file and translate it to chinese", response_format=schema)
    assert filled(answer) == {
        "text": TEXT,
        "translated_text": "块",
        "original_language_code": "en",
        "translated_language_code": "zh",
    }
    stt, translate = answer.json()["precontext"]
    assert (stt["name"], stt["result"]["text"]) == ("stt", TEXT)
    assert translate == {
        "name": "translate",
        "result": {
            "translated_text": "块",
            "source_language": "auto-detected",
            "target_language": "zh",
            "batch_size": 1,
        },
    }
    assert "Chinese" in model.asked[-1]["messages"][0]["content"]


def test_a_text_is_translated_without_a_recording(keyed: Client, alice: User, model: LanguageModel) -> None:
    before = left_mc(alice)
    model.reply = lambda body: {"texts": [text.upper() for text in json.loads(body["messages"][1]["content"])]}
    prompt = "Translate the following into French:\n\nGood morning.\n\nHow are you?"
    found = filled(ask(keyed, prompt, "<task>translate</task>", None))
    assert found["result"]["translated_text"] == "GOOD MORNING.\n\nHOW ARE YOU?"
    assert found["result"]["target_language"] == "fr"
    short = filled(ask(keyed, "Translate to French: good day", "<task>translate</task>", None))
    assert short["result"]["translated_text"] == "GOOD DAY"
    streamed = ask(keyed, prompt, "<task>translate</task>", None, stream=True)
    assert json.loads(text_of(events(streamed))) == found
    assert (left_mc(alice), Job.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"no JSON", 200),
        (b"{}", 200),
        (b'{"choices": [{"message": {"content": "no JSON"}}]}', 200),
        (b'{"choices": [{"message": {"content": "[]"}}]}', 200),
        (b'{"choices": [{"message": {"content": "{\\"summary\\": 5}"}}]}', 200),
        (b"{}", 500),
    ],
)
def test_a_language_model_that_fails_is_said_and_believed_in_nothing(
    keyed: Client, alice: User, model: LanguageModel, reply: bytes, status: int
) -> None:
    model.reply, model.status = (lambda body: reply), status
    before = left_mc(alice)
    schema = wanted("text", "summary")
    message = error(ask(keyed, response_format=schema), 503, "model_unavailable")
    assert "language model" in message
    assert "Nothing was charged" in message
    streamed = ask(keyed, response_format=schema, stream=True)
    [last] = b"".join(streamed.streaming_content).decode().split("\n\n")[:-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "model_unavailable"
    assert (left_mc(alice), Transcript.objects.count(), audit()) == (before, 0, [])


def test_what_was_heard_cannot_be_made_to_fit(keyed: Client, alice: User) -> None:
    before = left_mc(alice)
    short = wanted(text={"type": "string", "maxLength": 3})
    assert "$.text" in error(ask(keyed, response_format=short), 500, "internal_error")
    retried = ask(keyed, response_format=short, headers={"Idempotency-Key": "one"})
    assert "$.text" in error(retried, 500, "internal_error")
    assert filled(ask(keyed, response_format=wanted("text"), headers={"Idempotency-Key": "one"})) == {"text": TEXT}
    assert before - left_mc(alice) == 1000


def test_voices_that_could_not_be_told_apart_are_said_not_invented(
    keyed: Client, alice: User, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left_mc(alice)
    engine.diarizer = "stand-in"
    failed = Notice("speaker_labels_failed", "It broke.")
    monkeypatch.setattr(engine, "_labelled", lambda whole, options: replace(whole, warnings=(failed,)))
    answer = ask(keyed, "Transcribe and identify the speakers")
    assert "told apart" in error(answer, 503, "model_unavailable")
    assert (left_mc(alice), Transcript.objects.count()) == (before, 0)


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    lines = b"".join(answer.streaming_content).decode().split("\n\n")
    data = [line.removeprefix("data: ") for line in lines if line]
    assert data.pop() == "[DONE]"
    return [json.loads(line) for line in data]


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


def test_streams(keyed: Client, alice: User) -> None:
    before = left_mc(alice)
    plain = events(ask(keyed, stream=True, stream_options={"include_usage": True}))
    assert text_of(plain) == TEXT
    assert plain[0]["choices"][0]["delta"]["role"] == "assistant"
    assert len({chunk["id"] for chunk in plain}) == 1
    assert plain[-2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert (plain[-1]["choices"], plain[-1]["usage"]["total_tokens"] > 0) == ([], True)
    schema = events(ask(keyed, stream=True, response_format=wanted("text")))
    assert json.loads(text_of(schema)) == {"text": TEXT}
    assert "usage" not in schema[-1]
    shown = events(ask(keyed, stream=True, headers={"X-Show-Additional-Info": "true"}))
    first = shown[0]["choices"][0]["delta"]["content"]
    assert first.startswith("<precontext> [")
    assert first.endswith("] </precontext>")
    assert json.loads(first.removeprefix("<precontext>").removesuffix("</precontext>"))[0]["result"]["text"] == TEXT
    assert text_of(shown[1:]) == TEXT
    assert before - left_mc(alice) == 3000


def test_a_stream_that_breaks_ends_with_the_refusal(keyed: Client, alice: User, engine: StandInEngine) -> None:
    before = left_mc(alice)

    def broken(*_: object) -> None:
        raise EngineError("decode_failed", "The file is damaged.")

    engine.script = broken
    answer = ask(keyed, stream=True)
    last = json.loads(b"".join(answer.streaming_content).decode().split("\n\n")[-2].removeprefix("data: "))
    assert last["error"]["code"] == "decode_failed"
    assert left_mc(alice) == before


def test_refusals_have_the_vendor_s_shape(keyed: Client, anonymous: Client, alice: User) -> None:
    before = left_mc(alice)
    assert error(ask(anonymous), 401, "invalid_api_key")
    stranger = Client(headers={"Authorization": "Bearer stt_live_nobody"}, raise_request_exception=False)
    assert error(ask(stranger), 401, "invalid_api_key")
    assert ask(stranger).json()["error"]["type"] == "authentication_error"
    assert "ocr" in error(ask(keyed, system="<task>ocr</task>"), 400, "unsupported_task")
    assert error(ask(keyed, data=None), 400, "missing_audio")
    assert "gpt-4o" in error(ask(keyed, model="gpt-4o"), 404, "model_not_found")
    assert "safety" in error(ask(keyed, system="<guard>ALL</guard>"), 503, "model_unavailable")
    assert error(ask(keyed, data="A" * 20_000_001), 413, "payload_too_large")
    assert error(keyed.post("/v1/chat/completions", {"a": 1}), 415, "unsupported_content_type")
    assert error(keyed.post("/v1/chat/completions", "{", "application/json"), 400, "invalid_request")
    assert error(keyed.get("/v1/chat/completions"), 405, "method_not_allowed")
    assert error(keyed.get("/v1/chat/nothing"), 404, "not_found")
    url = "http://127.0.0.1:9/x.mp3"
    assert url in error(ask(keyed, f"Transcribe {url}.", data=None), 400, "url_not_allowed")
    assert (left_mc(alice), Job.objects.count()) == (before, 0)


def test_a_retry_under_one_key_is_charged_once(keyed: Client, alice: User) -> None:
    long = base64.b64encode(bytes(100_000)).decode()
    before = left_mc(alice)
    first = ask(keyed, data=long, headers={"Idempotency-Key": "one"})
    again = ask(keyed, data=long, headers={"Idempotency-Key": "one"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.content == again.content
    assert ask(keyed, "Other words", data=long, headers={"Idempotency-Key": "one"}).status_code == 422
    assert before - left_mc(alice) == 1000
    assert Transcript.objects.count() == 1


def test_no_credits(keyed: Client, alice: User) -> None:
    ledger.reserve(alice, "job:0", left_mc(alice))
    assert error(ask(keyed), 402, "insufficient_quota")
