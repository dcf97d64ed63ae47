"""Who may look: the owner by session, or anybody who holds an anonymous result's token."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase

from accounts.services.access import Caller, client_ip, identify
from transcripts import selectors

if TYPE_CHECKING:
    from accounts.models import User

View = Callable[..., HttpResponseBase]


def signed_in(request: HttpRequest) -> "User":
    """The user behind `login_required`."""
    return cast("User", request.user)


def caller_of(request: HttpRequest) -> Caller:
    user = signed_in(request) if request.user.is_authenticated else None
    ip = client_ip(request.META["REMOTE_ADDR"], request.headers.get("X-Forwarded-For"))
    return identify(authorization=None, x_api_key=None, session_user=user, ip=ip)


def owned(view: View) -> View:
    """Calls `view(request, transcript, …)` for the transcript of that slug, if it is the user's own."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, **rest: Any) -> HttpResponseBase:
        return view(request, selectors.transcript_for(signed_in(request), slug), **rest)

    return inner


def shared(view: View) -> View:
    """The same by token, and never for search engines. (That other sites learn no address is SECURE_REFERRER_POLICY's
    work: `no-referrer` here would also take the Origin from our own forms, and CSRF protection needs that.)"""

    @wraps(view)
    def inner(request: HttpRequest, token: str, **rest: Any) -> HttpResponseBase:
        response = view(request, selectors.anonymous_transcript(token), **rest)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return inner
