"""Live captions: the page that listens, and the two that only show."""

import io
from base64 import b64encode
from secrets import token_urlsafe

import qrcode
import qrcode.image.svg
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from stt_site.lib.errors import ServiceError
from transcripts import selectors
from transcripts.streaming.audience import view_token
from transcripts.web.languages import choices

ROOM = "live_room"


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    room = _room(request)
    address = request.build_absolute_uri(reverse("live_view"))
    link = f"{address}#{view_token(room)}"
    context = {
        "frame": "shell.html" if request.user.is_authenticated else "public.html",
        "room": room,
        "view_link": link,
        "overlay_link": f"{request.build_absolute_uri(reverse('live_overlay'))}?bg=transparent#{view_token(room)}",
        "view_code": _qr_code(link),
        "languages": choices(),
        "embedded": _is_embedded(),
    }
    response = render(request, "live/page.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def view(request: HttpRequest) -> HttpResponse:
    """The token stands behind the # of the address: no server and no log reads it."""
    return _reader(request, overlay=False)


@require_safe
def overlay(request: HttpRequest) -> HttpResponse:
    return _reader(request, overlay=True)


def _reader(request: HttpRequest, *, overlay: bool) -> HttpResponse:
    response = render(request, "live/view.html", {"overlay": overlay})
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _room(request: HttpRequest) -> str:
    """The same as long as somebody is signed in, so that a link on the wall outlives a reload."""
    if not request.user.is_authenticated:
        return token_urlsafe(24)
    if ROOM not in request.session:
        request.session[ROOM] = token_urlsafe(24)
    return str(request.session[ROOM])


def _is_embedded() -> bool:
    try:
        return selectors.engine_status().embedded
    except ServiceError:
        return False


def _qr_code(text: str) -> str:
    """An address of a picture."""
    picture = io.BytesIO()
    qrcode.make(text, image_factory=qrcode.image.svg.SvgPathFillImage).save(picture)
    return f"data:image/svg+xml;base64,{b64encode(picture.getvalue()).decode()}"
