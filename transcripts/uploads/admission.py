"""Who may send a body at all: asked with the headers in hand, before the first byte of it is read."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO

from django.conf import settings
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from accounts.models import User
from accounts.services import limits
from accounts.services.access import Caller, client_ip, identify
from accounts.services.idempotency import is_known
from accounts.visit import SCOPE_KEY, Visit
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import incoming
from transcripts.uploads.asgi import Scope
from transcripts.uploads.policy import UploadPolicy


def caller_of(request: HttpRequest, policy: UploadPolicy) -> Caller:
    """Reads the database. Raises NOT_SIGNED_IN or INVALID_API_KEY."""
    by_key = policy.credentials == "key"
    caller = identify(
        authorization=request.headers.get("Authorization") if by_key else None,
        x_api_key=request.headers.get("X-Api-Key") if by_key else None,
        session_user=None if by_key else session_user(request),
        ip=client_ip(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For")),
        scope=policy.scope,
    )
    if caller.is_anonymous and not policy.anonymous:
        raise ServiceError(ErrorCode.NOT_SIGNED_IN)
    return caller


def session_user(request: HttpRequest) -> User | None:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = auth.get_user(request)
    return user if isinstance(user, User) and user.is_active else None


def admit(scope: Scope, policy: UploadPolicy, declared: int | None, overhead: int) -> Caller:
    """`declared` is the Content-Length, of which `overhead` bytes may be no part of the file."""
    request = ASGIRequest(scope, BytesIO())
    caller = caller_of(request, policy)
    visit: Visit = scope[SCOPE_KEY]
    visit.enter(caller, policy.bucket)
    size = None if declared is None else max(0, declared - overhead)
    limits.check_before_body(caller, size, paid=is_paid(request, policy, caller), largest=policy.max_file_bytes)
    incoming.room_for(declared or 0)
    return caller


def is_paid(request: HttpRequest, policy: UploadPolicy, caller: Caller) -> bool:
    return not policy.costs_credits or is_known(caller, request.headers.get("Idempotency-Key"))


class Crowd:
    """Uploads running in this process: how many one caller has, and how many bytes are promised and not yet here."""

    def __init__(self) -> None:
        self._by_caller: Counter[str] = Counter()
        self._promised = 0

    @contextmanager
    def join(self, caller: Caller, declared: int | None) -> Iterator[None]:
        if self._by_caller[caller.key] >= settings.UPLOADS_AT_ONCE:
            limit = settings.UPLOADS_AT_ONCE
            raise ServiceError(ErrorCode.CONCURRENCY_LIMIT, retry_after=30, details={"limit": limit})
        # Counts a running upload in full, so it refuses a little early rather than a little late.
        incoming.room_for((declared or 0) + self._promised)
        self._by_caller[caller.key] += 1
        self._promised += declared or 0
        try:
            yield
        finally:
            self._promised -= declared or 0
            self._by_caller[caller.key] -= 1
            if not self._by_caller[caller.key]:
                del self._by_caller[caller.key]
