"""POST /v1/ai/transcribe with an engine that says what it is told to."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils.module_loading import import_string
from pytest_django.fixtures import Settings

from accounts.models import RequestLog, User
from accounts.services import api_keys, ledger
from engine.errors import EngineGone, MediaError
from engine.types import Transcript
from tests.dialects.jigsawstack.conftest import ADDRESS, SOUND, as_form
from tests.dialects.llm_double import LanguageModel
from tests.transcripts.stand_ins import StandInEngine
from transcripts.models import Job, JobState, WebhookDelivery
from transcripts.models import Transcript as Row
from transcripts.services.run import run_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


def spent(user: User) -> int:
    return 600_000 - ledger.balance(user).available_mc


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert sorted(body) == ["error", "log_id", "message", "success"]
    assert body["success"] is False
    assert body["log_id"] == answer.headers["X-Request-Id"]
    message: str = body["message"]
    return message


def test_a_whole_answer(jigsaw: Client, alice: User) -> None:
    answer = as_form(jigsaw)
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert body["text"] == " chunk 0 chunk 1 chunk 2"
    assert body["chunks"][:3] == [
        {"timestamp": [2.5, 5.0], "text": " chunk"},
        {"timestamp": [7.5, 10.0], "text": "0"},
        {"timestamp": [12.5, 15.0], "text": " chunk"},
    ]
    assert (body["language_detected"], body["confidence"]) == ("en", 0.99)
    assert "speakers" not in body
    usage = body["_usage"]
    assert usage["output_tokens"] == 6
    assert usage["total_tokens"] == sum(count for name, count in usage.items() if name != "total_tokens")
    assert body["log_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Model"] == "stand-in"
    assert spent(alice) == 1000


def test_raw_bytes_with_the_parameters_in_the_address(jigsaw: Client, engine: StandInEngine) -> None:
    answer = jigsaw.post(f"{ADDRESS}?language=es&chunk_duration=15", SOUND, content_type="audio/wav")
    assert answer.status_code == 200
    assert engine.options[0].language == "es"
    assert [chunk["text"] for chunk in answer.json()["chunks"]] == [" chunk 0", " chunk 1", " chunk 2"]
    assert "language_detected" not in answer.json()


def test_speakers(jigsaw: Client, engine: StandInEngine) -> None:
    engine.diarizer = "stand-in"
    body = as_form(jigsaw, {"by_speaker": True}).json()
    assert body["speakers"] == [
        {"speaker": "Speaker 1", "timestamp": [0.0, 30.0], "text": "chunk 0 chunk 1 chunk 2"},
    ]
    assert {chunk["speaker"] for chunk in body["chunks"]} == {"Speaker 1"}


def test_speakers_that_nobody_can_tell_apart_are_missing_with_a_reason(jigsaw: Client) -> None:
    body = as_form(jigsaw, {"by_speaker": True}).json()
    assert body["speakers"] == []
    assert [notice["code"] for notice in body["warnings"]] == ["speaker_labels_unavailable"]


def test_each_word_is_a_chunk(jigsaw: Client) -> None:
    body = as_form(jigsaw, {"word_timestamps": True}).json()
    assert [chunk["text"] for chunk in body["chunks"]] == body["text"].split()
    assert body["chunks"][0]["timestamp"] == [0.0, 1.0]


def test_silence_is_an_answer(jigsaw: Client, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Transcript("", None, 0.0, 5.0, (), "stand-in")
    monkeypatch.setattr(engine, "transcribe", lambda *_, **__: silence)
    body = as_form(jigsaw).json()
    assert (body["text"], body["chunks"], body["language_detected"], body["confidence"]) == ("", [], None, 0.0)


def test_the_language_as_the_clients_type_it(jigsaw: Client, settings: Settings) -> None:
    settings.JIGSAW_LANGUAGE_OBJECT = True
    body = as_form(jigsaw).json()
    assert body["language_detected"] == {"code": "en", "confidence": 0.99}
    assert "confidence" not in body


def test_a_translation_is_ordered_from_the_engine(jigsaw: Client, engine: StandInEngine) -> None:
    assert as_form(jigsaw, {"translate": True}).status_code == 200
    assert (engine.options[0].task, engine.options[0].language) == ("translate", None)
    assert as_form(jigsaw, {"translate": True, "language": "en"}).status_code == 200
    assert (engine.options[1].task, engine.options[1].language) == ("translate", None)


def test_a_language_that_nobody_here_can_write_is_refused_before_anything_is_done(
    jigsaw: Client, engine: StandInEngine, alice: User
) -> None:
    assert "German" in refused(as_form(jigsaw, {"translate": True, "language": "de"}), 503)
    assert "no language" in refused(as_form(jigsaw, {"translate": True, "language": "klingon"}), 400)
    assert "no language" in refused(as_form(jigsaw, {"language": "klingon"}), 400)
    assert (engine.options, spent(alice), Job.objects.count()) == ([], 0, 0)


@pytest.mark.django_db(transaction=True)
def test_81_a_translator_writes_what_the_recogniser_cannot(
    jigsaw: Client, engine: StandInEngine, alice: User, settings: Settings
) -> None:
    wish = {"translate": True, "language": "de"}
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL = model.address, "local"
        model.reply = lambda body: {"texts": [f"<{text}>" for text in json.loads(body["messages"][1]["content"])]}
        body = as_form(jigsaw, wish).json()
        assert body["text"] == " <chunk 0> <chunk 1> <chunk 2>"
        assert body["chunks"][0] == {"timestamp": [2.5, 5.0], "text": " <chunk"}
        assert "language_detected" not in body
        assert engine.options[-1].task == "transcribe"
        assert (as_form(jigsaw, wish).json()["text"], spent(alice)) == (body["text"], 1000)
        assert "German" in refused(as_form(jigsaw, {**wish, "word_timestamps": True}), 503)
        model.reply = lambda body: "no JSON"
        headers = {"X-Jigsaw-Skip-Cache": "true"}
        assert "not what was asked for" in refused(as_form(jigsaw, wish, headers=headers), 503)
    assert (spent(alice), Row.objects.count()) == (1000, 1)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 400),
        ({"url": "http://example.com/a.wav", "file_store_key": "k"}, 400),
        ({"file_store_key": "nothing"}, 404),
        ({"url": "ftp://example.com/a.wav"}, 400),
        ({"url": "http://127.0.0.1/a.wav"}, 400),
        ({"url": "http://169.254.169.254/latest"}, 400),
        ({"url": "http://example.com/" + "a" * 20_000}, 413),
        ([1, 2], 400),
        ({"url": "http://example.com/", "chunk_duration": 16}, 400),
    ],
)
def test_a_json_body_that_cannot_be_answered(jigsaw: Client, document: Any, status: int, alice: User) -> None:
    refused(jigsaw.post(ADDRESS, json.dumps(document), content_type="application/json"), status)
    assert spent(alice) == 0


def test_who_may_not(client: Client, jigsaw: Client, alice: User, engine: StandInEngine) -> None:
    refused(as_form(client), 401)
    answer = as_form(Client(headers={"x-api-key": "stt_live_nothing"}))
    refused(answer, 401)
    assert int(answer.headers["x-jigsaw-rate-limit-limit"]) > 0
    reader = api_keys.create_key(alice, "reads", ["read"])[1]
    refused(as_form(Client(headers={"x-api-key": reader})), 403)
    assert engine.options == []


def test_what_goes_wrong_in_the_engine_costs_nothing(
    jigsaw: Client, engine: StandInEngine, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise EngineGone("engine_gone", "The engine does not answer.")

    monkeypatch.setattr(engine, "probe", gone)
    answer = as_form(jigsaw)
    refused(answer, 503)
    assert answer.headers["Retry-After"]
    assert spent(alice) == 0


def test_where_a_caller_stands_is_said_in_both_ways(jigsaw: Client) -> None:
    headers = as_form(jigsaw).headers
    assert headers["x-jigsaw-rate-limit-limit"] == headers["X-RateLimit-Limit"]
    assert headers["x-jigsaw-rate-limit-remaining"] == headers["X-RateLimit-Remaining"]
    apart = int(headers["x-jigsaw-rate-limit-reset"]) - 1000 * int(headers["X-RateLimit-Reset"])
    assert abs(apart) <= 2000


def test_the_same_again_is_answered_from_what_is_there(jigsaw: Client, engine: StandInEngine, alice: User) -> None:
    first = as_form(jigsaw)
    again = as_form(jigsaw)
    assert "hit" in again.headers["Cache-Status"]
    assert {**again.json(), "log_id": ""} == {**first.json(), "log_id": ""}
    other_chunks = as_form(jigsaw, {"chunk_duration": 15}).json()
    assert len(other_chunks["chunks"]) == 3
    assert (len(engine.options), spent(alice)) == (1, 1000)


def test_what_is_not_the_same_is_worked_anew(jigsaw: Client, engine: StandInEngine, bob: User, alice: User) -> None:
    as_form(jigsaw)
    as_form(jigsaw, headers={"x-jigsaw-skip-cache": "true"})
    as_form(jigsaw, {"language": "en"})
    as_form(jigsaw, sound=b"RIFX")
    as_form(jigsaw, headers={"Idempotency-Key": "mine"})
    test_key = api_keys.create_key(alice, "test", mode="test")[1]
    as_form(Client(headers={"x-api-key": test_key}))
    as_form(Client(headers={"x-api-key": api_keys.create_key(bob, "his")[1]}))
    assert len(engine.options) == 7


def test_a_transcript_that_was_deleted_answers_nobody(jigsaw: Client, engine: StandInEngine) -> None:
    as_form(jigsaw)
    assert jigsaw.delete(f"/api/v1/transcripts/{Row.objects.get().pk}/").status_code == 204
    as_form(jigsaw)
    assert len(engine.options) == 2


def test_a_retry_under_its_name_is_charged_once(jigsaw: Client, alice: User) -> None:
    first, again = (as_form(jigsaw, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert spent(alice) == 1000


def test_a_recording_may_last_four_hours(jigsaw: Client, engine: StandInEngine, alice: User) -> None:
    engine.info = replace(engine.info, duration=4 * 3600 + 1.0)
    assert "4 hours" in refused(as_form(jigsaw), 400)
    assert spent(alice) == 0


def test_a_request_may_leave_no_line_in_the_log(jigsaw: Client, alice: User) -> None:
    as_form(jigsaw)
    as_form(jigsaw, headers={"x-jigsaw-no-request-log": "true"})
    assert [line.endpoint for line in RequestLog.objects.filter(user=alice)] == [ADDRESS]


def test_unknown_addresses_of_the_family_answer_in_its_shape(jigsaw: Client) -> None:
    refused(jigsaw.get("/v1/ai/nothing"), 404)
    refused(jigsaw.get("/v1/store/"), 404)
    refused(jigsaw.get(ADDRESS), 405)


def events_of(answer: Any) -> list[dict[str, Any]]:
    lines = b"".join(answer.streaming_content).decode().split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_a_stream_says_the_text_as_it_comes(jigsaw: Client, alice: User) -> None:
    answer = as_form(jigsaw, {"stream": True, "language": "en", "chunk_duration": 15})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = events_of(answer)
    kinds = [event["type"].removeprefix("transcript.") for event in events]
    assert (kinds[0], kinds[-2:]) == ("start", ["done", "final"])
    assert set(kinds[1:-2]) == {"segment", "delta"}
    done, final = events[-2:]
    assert "".join(event["delta"] for event in events if "delta" in event) == done["text"] == final["text"]
    assert [event["chunk"] for event in events if "chunk" in event] == final["chunks"]
    assert spent(alice) == 1000


def test_a_stream_that_fails_says_so_last_and_is_free(
    jigsaw: Client, alice: User, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MediaError("decode_failed", "The file is damaged.")

    engine.script = broken
    last = events_of(as_form(jigsaw, {"stream": True}))[-1]
    assert (last["type"], last["error"]) == ("transcript.error", "decode_failed")
    assert spent(alice) == 0


def ended(answer: Any) -> dict[str, Any]:
    """What the webhook of a request is told; the worker of the tests works while somebody waits."""
    for job in Job.objects.filter(state=JobState.QUEUED):
        run_job(job.pk)
    delivery = WebhookDelivery.objects.get(transcript__job__isnull=False)
    told: dict[str, Any] = import_string(delivery.renderer)(delivery.transcript, delivery.context)
    assert told["id"] == answer.json()["id"]
    return told


HOOK = "https://example.com/hook?key=secret&again=%20x"


def test_a_webhook_is_promised_at_once_and_told_the_direct_answer(jigsaw: Client, alice: User) -> None:
    options = {"language": "en", "chunk_duration": 15}
    answer = as_form(jigsaw, {**options, "webhook_url": HOOK})
    promised = answer.json()
    assert (promised["success"], promised["status"], len(promised["id"])) == (True, "processing", 32)
    assert WebhookDelivery.objects.get().url == HOOK
    told = ended(answer)
    direct = as_form(jigsaw, options, headers={"x-jigsaw-skip-cache": "true"}).json()
    assert told["status"] == "success"
    assert {name: told[name] for name in ("success", "text", "chunks")} == {
        name: direct[name] for name in ("success", "text", "chunks")
    }
    assert set(told) == {*direct, "id", "status"}
    assert told["log_id"] == promised["log_id"]
    assert spent(alice) == 2000


def test_a_webhook_is_told_of_a_failure(jigsaw: Client, alice: User, engine: StandInEngine) -> None:
    def broken(*_: object) -> None:
        raise MediaError("decode_failed", "The file is damaged.")

    engine.script = broken
    told = ended(as_form(jigsaw, {"webhook_url": HOOK}))
    assert (told["success"], told["status"], told["error"]) == (False, "error", "decode_failed")
    assert spent(alice) == 0


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://127.0.0.1/", "nonsense", "http://a:b@example.com/"])
def test_a_webhook_that_cannot_be_called_is_refused_at_once(jigsaw: Client, url: str, alice: User) -> None:
    refused(as_form(jigsaw, {"webhook_url": url}), 400)
    assert (Job.objects.count(), spent(alice)) == (0, 0)
