from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.models import User
from accounts.services.access import Caller, client_ip, identify
from accounts.services.rate_limits import Name
from accounts.visit import visit_of

SCOPE_OF_METHOD = {"GET": "read", "HEAD": "read", "OPTIONS": "read", "DELETE": "delete"}


BUCKET_OF_METHOD: dict[str, Name] = {"GET": "reads", "HEAD": "reads", "OPTIONS": "reads"}


class CallerAuthentication(BaseAuthentication):
    """`request.auth` is always a Caller. A view may name the scopes it needs: `scopes = {"POST": "keys:write"}`, and
    where its requests count: `buckets = {"POST": "work"}`."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Caller]:
        session_user = getattr(request._request, "user", None)
        caller = identify(
            authorization=request.META.get("HTTP_AUTHORIZATION"),
            x_api_key=request.META.get("HTTP_X_API_KEY"),
            session_user=session_user if isinstance(session_user, User) else None,
            ip=_ip(request),
            scope=_scope(request),
        )
        if caller.user is not None and caller.api_key_id is None:
            _enforce_csrf(request)
        visit_of(request._request).enter(caller, _bucket(request))
        return caller.user or AnonymousUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class OpenToAll(BaseAuthentication):
    """Credentials are not asked for and not looked at: the caller is an address."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller]:
        caller = identify(authorization=None, x_api_key=None, session_user=None, ip=_ip(request))
        visit_of(request._request).enter(caller, _bucket(request))
        return AnonymousUser(), caller


def _ip(request: Request) -> str:
    return client_ip(request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR"))


def _scope(request: Request) -> str:
    method = str(request.method)
    scopes: Mapping[str, str] = getattr(_view(request), "scopes", {})
    return scopes.get(method) or SCOPE_OF_METHOD.get(method, "write")


def _bucket(request: Request) -> Name:
    method = str(request.method)
    buckets: Mapping[str, Name] = getattr(_view(request), "buckets", {})
    return buckets.get(method) or BUCKET_OF_METHOD.get(method, "writes")


def _view(request: Request) -> Any:
    return (request.parser_context or {}).get("view")


def _enforce_csrf(request: Request) -> None:
    """A browser sends the session by itself, so a page of somebody else's could use it."""
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request._request)
    if reason := check.process_view(request._request, lambda _: HttpResponse(), (), {}):
        raise PermissionDenied(f"The page's security token is missing or old: {reason}. Reload the page and retry.")
