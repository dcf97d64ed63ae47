import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions

from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from stt_site.lib.rest import exception_handler


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_is_one_sentence_with_its_status(code: ErrorCode) -> None:
    response = exception_handler(ServiceError(code, retry_after=7), {})
    assert response.status_code == MEANINGS[code].status
    assert response.data == {"error": MEANINGS[code].message}
    assert response["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("exception", "status", "error"),
    [
        (Http404("Transcript matching query"), 404, MEANINGS[ErrorCode.NOT_FOUND].message),
        (exceptions.NotFound(), 404, MEANINGS[ErrorCode.NOT_FOUND].message),
        (PermissionDenied("Not yours."), 403, "Not yours."),
        (exceptions.ValidationError({"name": ["Too long."], "age": ["Odd.", "Late."]}), 400, None),
        (exceptions.ValidationError("Whole."), 400, "Whole."),
        (exceptions.ValidationError({"non_field_errors": ["Whole."]}), 400, "Whole."),
        (exceptions.NotAuthenticated(), 401, MEANINGS[ErrorCode.NOT_SIGNED_IN].message),
        (exceptions.UnsupportedMediaType("text/x"), 415, None),
    ],
)
def test_the_frameworks_refusals_look_the_same(exception: Exception, status: int, error: str | None) -> None:
    response = exception_handler(exception, {})
    assert response.status_code == status
    assert list(response.data) == ["error"]
    assert response.data["error"] == error or error is None


def test_a_field_is_named() -> None:
    response = exception_handler(exceptions.ValidationError({"name": ["Too long."], "a": {"b": ["Odd."]}}), {})
    assert response.data == {"error": "name: Too long. b: Odd."}


def test_waiting_is_whole_seconds() -> None:
    assert exception_handler(exceptions.Throttled(wait=0.2), {})["Retry-After"] == "1"
    assert exception_handler(exceptions.Throttled(wait=2.1), {})["Retry-After"] == "3"


@pytest.mark.parametrize("code", [code for code in ErrorCode if MEANINGS[code].status in (401, 503)])
def test_a_client_is_told_how_to_sign_in_and_when_to_come_back(code: ErrorCode) -> None:
    response = exception_handler(ServiceError(code), {})
    expected = {401: ("WWW-Authenticate", 'Bearer realm="api"'), 503: ("Retry-After", "30")}
    name, value = expected[response.status_code]
    assert response[name] == value


def test_a_database_that_does_not_answer_is_a_reason_to_come_back() -> None:
    response = exception_handler(OperationalError("database is locked"), {})
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_fault_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = exception_handler(RuntimeError("the secret path"), {})
    assert response.status_code == 500
    assert "secret" not in response.data["error"]
    assert "the secret path" in caplog.text
