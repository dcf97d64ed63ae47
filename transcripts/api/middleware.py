"""What every answer of the site has in common, and what the API addresses add."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone

from accounts.models import RequestLog
from accounts.services import request_log
from accounts.services.access import Caller
from accounts.visit import Visit, visit_of
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from transcripts.api.dialects.registry import dialect_for
from transcripts.api.sse import EventStream
from transcripts.uploads.policy import POLICIES
from transcripts.uploads.received import SCOPE_KEY

# Keys, not cookies, open these: any page may call them.
OPEN_PREFIXES = ("/v1/", "/stt", "/health", "/openapi.json")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "X-Request-Id, X-Model, X-Key-Mode, Idempotent-Replayed, Retry-After, Content-Disposition, "
        "RateLimit-Policy, RateLimit, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Should-Retry, "
        "X-Jigsaw-Rate-Limit-Limit, X-Jigsaw-Rate-Limit-Remaining, X-Jigsaw-Rate-Limit-Reset"
    ),
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    # The vendors' clients add headers of their own; `*` stands for all of them but Authorization, in browsers that
    # know it.
    "Access-Control-Allow-Headers": (
        "Authorization, X-Api-Key, Content-Type, Accept, Idempotency-Key, X-Show-Additional-Info, *"
    ),
    "Access-Control-Max-Age": "86400",
}
_CODES = {400: ErrorCode.INVALID_REQUEST, 403: ErrorCode.NOT_IN_PLAN, 404: ErrorCode.NOT_FOUND}


class Began(NamedTuple):
    at: datetime
    clock: float


class Surface:
    """Outermost: it sees the answers of Django's own error pages, and gives API callers theirs as JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = getattr(request, "scope", {})
        request_id = scope.get("steno.request_id") or f"req_{uuid4().hex[:20]}"
        request.steno_id = request_id  # type: ignore[attr-defined]
        began = Began(timezone.now(), time.perf_counter())
        is_open = request.path.startswith(OPEN_PREFIXES)
        refusal = scope.get(SCOPE_KEY)
        if is_open and request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=204, headers=PREFLIGHT)
        elif isinstance(refusal, ServiceError) and request.path not in POLICIES:
            response = _refused(request.path, refusal, request_id)
        else:
            if isinstance(refusal, ServiceError):
                # The token was in the body that nobody read, and a refused request does nothing.
                request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
            response = _as_the_api_says(request, self._get_response(request), request_id)
        visit = visit_of(request)
        headers = {"X-Request-Id": request_id, **visit.headers, **(CORS if is_open else {})}
        for name, value in headers.items():
            response.headers[name] = value
        if visit.logged and visit.caller is not None and visit.caller.user is not None and dialect_for(request.path):
            _record(request, visit.caller, visit, response, began)
        return response


def _record(request: HttpRequest, caller: Caller, visit: Visit, response: HttpResponseBase, began: Began) -> None:
    """What a stream of events cost, and whether its reader stayed, is known at its end."""

    def record() -> None:
        request_log.record(_line(request, caller, visit, visit.ended_with or response.status_code, began))

    if isinstance(response, EventStream):
        response.at_end = record
    else:
        record()


def _line(request: HttpRequest, caller: Caller, visit: Visit, status: int, began: Began) -> RequestLog:
    route = request.resolver_match.route if request.resolver_match else ""
    return RequestLog(
        user=caller.user,
        api_key_id=caller.api_key_id,
        at=began.at,
        method=(request.method or "")[:10],
        endpoint=f"/{route}"[:200],
        status=status,
        request_id=request.steno_id,  # type: ignore[attr-defined]
        duration_ms=round((time.perf_counter() - began.clock) * 1000),
        transcript_id=visit.transcript_id,
        charged_mc=visit.charged_mc,
    )


def _refused(path: str, error: ServiceError, request_id: str) -> HttpResponse:
    error.request_id = request_id
    dialect = dialect_for(path)
    if dialect is None:
        return HttpResponse(error.message, status=error.status, content_type="text/plain; charset=utf-8")
    refusal = dialect.refusal
    return JsonResponse(refusal.body(error), status=refusal.status(error), headers=refusal.headers(error))


def _as_the_api_says(request: HttpRequest, response: HttpResponseBase, request_id: str) -> HttpResponseBase:
    dialect = dialect_for(request.path)
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    if dialect is None or response.status_code < 400 or not is_html:
        return response
    code = _CODES.get(response.status_code, ErrorCode.INTERNAL)
    message = f"{MEANINGS[code].message} The request was {request_id}." if code is ErrorCode.INTERNAL else None
    return _refused(request.path, ServiceError(code, message), request_id)
