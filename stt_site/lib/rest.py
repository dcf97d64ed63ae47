"""Whatever goes wrong behind a REST view becomes a ServiceError here, which each API then gives its shape."""

import logging
import math
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from stt_site.lib.db import UNREACHABLE
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError

logger = logging.getLogger(__name__)

_BY_STATUS = {
    400: ErrorCode.INVALID_REQUEST,
    401: ErrorCode.NOT_SIGNED_IN,
    403: ErrorCode.NOT_IN_PLAN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    415: ErrorCode.UNSUPPORTED_CONTENT_TYPE,
    429: ErrorCode.RATE_LIMIT,
}


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response:
    """The product's own shape: `{"error": "<sentence>"}`."""
    set_rollback()
    error = as_service_error(exception, getattr(context.get("request"), "steno_id", ""))
    return Response({"error": error.message}, error.status, headers=headers_of(error, error.status))


def headers_of(error: ServiceError, status: int) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


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
    logger.error("request %s failed", request_id, exc_info=error)
    if isinstance(error, UNREACHABLE):
        message = f"The database did not answer in time. Nothing was charged; retry soon. The request was {request_id}."
        return ServiceError(ErrorCode.ENGINE_UNAVAILABLE, message, retry_after=5)
    return ServiceError(ErrorCode.INTERNAL, f"{MEANINGS[ErrorCode.INTERNAL].message} The request was {request_id}.")


def _from_rest(error: exceptions.APIException) -> ServiceError:
    code = _BY_STATUS[error.status_code]
    if isinstance(error, exceptions.ValidationError):
        return ServiceError(code, " ".join(_sentences(error.detail)))
    if isinstance(error, exceptions.Throttled):
        return ServiceError(code, retry_after=max(1, math.ceil(getattr(error, "wait", None) or 1)))
    if isinstance(error, exceptions.PermissionDenied | exceptions.ParseError):
        return ServiceError(code, str(error.detail))
    return ServiceError(code)


def _sentences(detail: object, field: str = "") -> Iterator[str]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _sentences(inner, "" if name in ("detail", "non_field_errors") else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _sentences(inner, field)
    else:
        yield f"{field}: {detail}" if field else str(detail)
