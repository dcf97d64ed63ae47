"""What all API addresses share, and the catalogue."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from rest_framework import exceptions

from engine.errors import EngineError, EngineGone, OutOfMemory
from engine.types import EngineStatus
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from stt_site.lib.rest import as_service_error
from tests.transcripts.stand_ins import StandInEngine
from transcripts import engine_gateway
from transcripts.api.dialects.registry import DIALECTS, dialect_for
from transcripts.uploads.policy import POLICIES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("code", ErrorCode)
def test_every_dialect_can_say_every_error(dialect: object, code: ErrorCode) -> None:
    from transcripts.api.dialects.base import Dialect

    assert isinstance(dialect, Dialect)
    response = dialect.refusal.response(ServiceError(code, retry_after=7))
    assert 400 <= response.status_code < 600
    assert MEANINGS[code].message in json.dumps(response.data, ensure_ascii=False)
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ServiceError(ErrorCode.DAILY_LIMIT), ErrorCode.DAILY_LIMIT),
        (Http404(), ErrorCode.NOT_FOUND),
        (exceptions.NotAuthenticated(), ErrorCode.NOT_SIGNED_IN),
        (exceptions.MethodNotAllowed("GET"), ErrorCode.METHOD_NOT_ALLOWED),
        (exceptions.UnsupportedMediaType("a/b"), ErrorCode.UNSUPPORTED_CONTENT_TYPE),
        (exceptions.Throttled(7), ErrorCode.RATE_LIMIT),
        (exceptions.ValidationError({"limit": ["Too much."]}), ErrorCode.INVALID_REQUEST),
        (OperationalError("database is locked"), ErrorCode.ENGINE_UNAVAILABLE),
        (KeyError("x"), ErrorCode.INTERNAL),
    ],
)
def test_whatever_goes_wrong_has_a_code(error: Exception, code: ErrorCode) -> None:
    assert as_service_error(error, "req_1").code is code


@pytest.mark.parametrize("error", [EngineGone("engine_gone", "It died."), OutOfMemory("out_of_memory", "Too big.")])
def test_an_engine_in_trouble_is_not_the_callers_fault(error: EngineError) -> None:
    assert engine_gateway.refusal(error).status >= 500


@pytest.mark.parametrize(
    "address", ["/v1/nothing", "/v1/", "/api/nothing/", "/api/v1/nothing/", "/api/v1/transcripts/x/y/"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_answers_as_its_api_does(anonymous: Client, address: str, method: str) -> None:
    answer = getattr(anonymous, method)(address)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["error"]


def test_a_missing_slash_is_added_without_losing_the_method(keyed: Client) -> None:
    answer = keyed.get("/api/v1/transcripts?limit=2")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/api/v1/transcripts/?limit=2"
    assert keyed.delete("/api/v1/transcripts/5").status_code == 308


def test_a_page_of_another_site_may_use_a_key_but_no_cookie(anonymous: Client) -> None:
    answer = anonymous.get("/v1/models", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "X-Model" in answer.headers["Access-Control-Expose-Headers"]
    preflight = anonymous.options("/v1/transcribe", headers={"Origin": "https://elsewhere.example"})
    assert preflight.status_code == 204
    allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
    # What OpenAI's client sends from a browser, X-Stainless-Lang and so on, has no list that would stay true.
    assert {"Authorization", "X-Show-Additional-Info", "*"} <= set(allowed)
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in anonymous.get("/api/v1/transcripts/").headers


def test_every_answer_has_a_request_id(anonymous: Client) -> None:
    addresses = ["/v1/models", "/v1/nothing", "/health", "/api/v1/transcripts/", "/nowhere/"]
    ids = [anonymous.get(address).headers["X-Request-Id"] for address in addresses]
    assert len(set(ids)) == len(addresses)


def test_an_error_page_of_django_becomes_json(anonymous: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, request: object) -> None:
        raise RuntimeError("in the middle of Django")

    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", broken)
    answer = anonymous.get("/v1/models")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.json()["error"]


def test_one_list_of_models_serves_both_families_of_clients(anonymous: Client) -> None:
    body = anonymous.get("/v1/models").json()
    assert body["object"] == "list"
    assert body["data"] == body["models"]
    models = {model["id"]: model for model in body["models"]}
    assert {"large-v3-turbo", "large-v3", "medium", "small"} <= set(models)
    small = models["small"]
    assert (small["object"], small["languages"], small["speed"]) == ("model", 99, "fast")
    assert (small["installed"], small["default"], models["medium"]["installed"]) == (True, True, False)


def test_the_languages(anonymous: Client) -> None:
    languages = anonymous.get("/v1/languages").json()["languages"]
    assert {"code": "en", "name": "english"} in languages
    assert len(languages) == 100


def test_health(anonymous: Client) -> None:
    body = anonymous.get("/health").json()
    assert body == {
        "status": "ok",
        "gpu_available": False,
        "gpu_name": None,
        "gpu_memory_mb": None,
        "ledger": "unchecked",
        "model": "small",
        "embedded": False,
        "diarizer": None,
        "text": {"embedder": "stand-in", "writer": None, "translator": None},
        "sandbox": "full",
        "queued": 0,
    }


def test_health_without_an_engine(anonymous: Client, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> EngineStatus:
        raise EngineGone("engine_gone", "The engine does not answer.")

    monkeypatch.setattr(engine, "status", gone)
    answer = anonymous.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert answer.headers["Retry-After"]
    assert anonymous.get("/v1/models").status_code == 200


def test_the_longest_prefix_chooses_the_shape() -> None:
    stt_ai = DIALECTS[0]
    assert dialect_for("/v1/anything") is stt_ai
    assert dialect_for("/api/v1/keys/") is stt_ai
    assert dialect_for("/transcripts/") is None


def test_every_address_that_takes_files_exists(anonymous: Client) -> None:
    for address in POLICIES:
        assert anonymous.post(address).status_code != 404, address


def test_the_openapi_document_is_valid_and_whole(anonymous: Client, tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    paths = anonymous.get("/openapi.json").json()["paths"]
    assert {
        "/v1/transcribe",
        "/v1/models",
        "/v1/languages",
        "/health",
        "/api/v1/transcripts/",
        "/api/v1/transcripts/{ref}/",
        "/api/v1/transcripts/{ref}/cancel/",
        "/api/v1/transcripts/{ref}/export/{export_format}/",
    } <= set(paths)
    form = paths["/v1/transcribe"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]
