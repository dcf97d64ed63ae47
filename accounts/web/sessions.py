"""Where an account is signed in: by device, with an end for each."""

import re
from dataclasses import dataclass
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.adapter import NO_ADDRESS
from accounts.web.signed_in import user_of

SEEN_RESOLUTION = timedelta(minutes=1)
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("CriOS|HeadlessChrome|Chrome|Chromium", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
"""In the order in which they pretend to be each other."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "Mac"),
    ("Linux|X11", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Row:
    session: UserSession
    device: str
    ip: str
    is_phone: bool
    is_this: bool


class LastSeen(MiddlewareMixin):
    """Notes when a session last opened a page, to the minute. What pages ask for by themselves is nobody's visit."""

    def process_view(self, request: HttpRequest, *args: object) -> HttpResponseBase | None:
        if request.method == "GET" and "text/html" in request.headers.get("Accept", "") and _is_due(request):
            UserSession.objects.create_from_request(request)
        return None


def _is_due(request: HttpRequest) -> bool:
    if not (request.user.is_authenticated and request.session.session_key):
        return False
    known = UserSession.objects.filter(session_key=request.session.session_key, user=request.user)
    return not known.filter(last_seen_at__gt=timezone.now() - SEEN_RESOLUTION).exists()


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """POST ends the session `end` names, or all others."""
    living = UserSession.objects.purge_and_list(user_of(request))
    others = [session for session in living if session.session_key != request.session.session_key]
    if request.method == "POST":
        named = request.POST.get("end")
        ended = [session for session in others if named is None or str(session.pk) == named]
        for session in ended:
            session.end()
        messages.success(request, f"Signed out {len(ended)} other device{'' if len(ended) == 1 else 's'}.")
        return redirect("usersessions_list")
    rows = sorted((_row(session, request) for session in living), key=lambda row: (not row.is_this, -_age(row)))
    return render(request, "usersessions/usersession_list.html", {"rows": rows, "others": len(others)})


def device(user_agent: str) -> str:
    """ "Firefox on Linux"; what is not known is said so."""
    browser, system = (_first(table, user_agent) for table in (BROWSERS, SYSTEMS))
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "An unknown device"


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for pattern, name in table if re.search(pattern, user_agent)), "")


def _row(session: UserSession, request: HttpRequest) -> Row:
    return Row(
        session,
        device(session.user_agent),
        "" if session.ip == NO_ADDRESS else session.ip,
        bool(re.search("Mobile|iPhone|Android", session.user_agent)),
        session.session_key == request.session.session_key,
    )


def _age(row: Row) -> float:
    return float(row.session.last_seen_at.timestamp())
