"""How the REST views of `/v1` and `/api/v1` refuse: always `{"error": "<sentence>"}`."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError

logger = logging.getLogger(__name__)


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response:
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(exception, ServiceError):
        if exception.retry_after is not None:
            headers["Retry-After"] = str(exception.retry_after)
        if exception.status == status.HTTP_401_UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return Response({"error": exception.message}, exception.status, headers=headers)
    if isinstance(exception, Http404):
        return _refuse(ErrorCode.NOT_FOUND)
    if isinstance(exception, PermissionDenied):
        return Response({"error": str(exception) or "You may not do this."}, status.HTTP_403_FORBIDDEN)
    if isinstance(exception, exceptions.APIException):
        return _framework_refusal(exception)
    request = context.get("request")
    where = f"{request.method} {request.path}" if request is not None else "a request"
    logger.error("%s failed", where, exc_info=exception)
    return _refuse(ErrorCode.INTERNAL)


def _framework_refusal(exception: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    wait = getattr(exception, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(wait + 0.999)))
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        sentence = MEANINGS[ErrorCode.NOT_SIGNED_IN].message
    elif isinstance(exception, exceptions.NotFound):
        sentence = MEANINGS[ErrorCode.NOT_FOUND].message
    else:
        sentence = " ".join(_sentences(exception.detail))
    return Response({"error": sentence}, exception.status_code, headers=headers)


def _refuse(code: ErrorCode) -> Response:
    return Response({"error": MEANINGS[code].message}, MEANINGS[code].status)


def _sentences(detail: Any, field: str = "") -> list[str]:
    if isinstance(detail, dict):
        return [sentence for name, inner in detail.items() for sentence in _sentences(inner, str(name))]
    if isinstance(detail, list):
        return [sentence for inner in detail for sentence in _sentences(inner, field)]
    unnamed = field in ("", "detail", "non_field_errors")
    return [str(detail) if unnamed else f"{field}: {detail}"]
