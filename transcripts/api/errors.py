"""Whatever goes wrong behind an API becomes a ServiceError here; a dialect then gives it its shape."""

import logging
from collections.abc import Iterator

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions

from engine.errors import EngineError
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError

log = logging.getLogger(__name__)

_BY_STATUS = {
    400: ErrorCode.INVALID_REQUEST,
    401: ErrorCode.NOT_SIGNED_IN,
    403: ErrorCode.NOT_IN_PLAN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    415: ErrorCode.UNSUPPORTED_CONTENT_TYPE,
    429: ErrorCode.RATE_LIMIT,
}


def as_service_error(error: Exception, request_id: str) -> ServiceError:
    """Logs the traceback of what nobody foresaw."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, Http404):
        return ServiceError(ErrorCode.NOT_FOUND)
    if isinstance(error, PermissionDenied):
        return ServiceError(ErrorCode.NOT_IN_PLAN, str(error) or None)
    if isinstance(error, exceptions.APIException) and error.status_code in _BY_STATUS:
        return _from_rest(error)
    if isinstance(error, EngineError) and error.code in set(ErrorCode):
        return ServiceError(ErrorCode(error.code), error.message)
    log.error("request %s failed", request_id, exc_info=error)
    if isinstance(error, OperationalError):
        return ServiceError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The database did not answer in time. Nothing was charged; retry soon. The request was {request_id}.",
            retry_after=5,
        )
    return ServiceError(ErrorCode.INTERNAL, f"{MEANINGS[ErrorCode.INTERNAL].message} The request was {request_id}.")


def _from_rest(error: exceptions.APIException) -> ServiceError:
    code = _BY_STATUS[error.status_code]
    if isinstance(error, exceptions.ValidationError):
        return ServiceError(code, " ".join(_sentences(error.detail)))
    if isinstance(error, exceptions.Throttled):
        return ServiceError(code, retry_after=int(getattr(error, "wait", None) or 1))
    if isinstance(error, exceptions.PermissionDenied | exceptions.ParseError):
        return ServiceError(code, str(error.detail))
    return ServiceError(code)


def _sentences(detail: object, field: str = "") -> Iterator[str]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _sentences(inner, "" if name == "non_field_errors" else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _sentences(inner, field)
    else:
        yield f"{field}: {detail}" if field else str(detail)
