"""What a link shows: a plain page, its recording, its files. Whatever does not open is one same 404."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from allauth.core.internal import ratelimit
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.services import shares
from transcripts.web import media
from transcripts.web.document import FORMAT_WORDS, download
from transcripts.web.present import RTL, found_places, segment_words, turns, word_table

if TYPE_CHECKING:
    from transcripts.models import Share, Transcript

MOST_PLACES = 100
COOKIE = "share"
COOKIE_SECONDS = 12 * 3600
TRIES = {"open": "10/m/ip,30/10m/key"}
"""Passwords tried from one place, and of one link by everybody."""


def by_link(*parts: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Calls `view(request, share, …)` where the link is alive, shows all of `parts` and has been unlocked."""

    def wrap(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @csrf_exempt  # Without a referrer there is no Origin to check, and nothing here is done in anybody's name.
        @wraps(view)
        def inner(request: HttpRequest, token: str, **rest: Any) -> HttpResponseBase:
            try:
                share = selectors.share_at(token)
                if parts and not (unlocked(request, share) and all(getattr(share, part) for part in parts)):
                    raise ServiceError(ErrorCode.NOT_FOUND)
                response = view(request, share, **rest)
            except Http404:
                response = render(request, "share/gone.html", status=404)
            except ServiceError as error:
                if error.status != 404:
                    raise
                response = render(request, "share/gone.html", status=404)
            return _private(response)

        return inner

    return wrap


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """A link that was revoked is not to be opened from a cache, found by a search engine or told to other sites."""
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def unlocked(request: HttpRequest, share: "Share") -> bool:
    if not share.password:
        return True
    # Salted with the hash: a cookie opens the link it was given for, as long as that has this password.
    return bool(request.get_signed_cookie(COOKIE, default="", salt=share.password, max_age=COOKIE_SECONDS) == share.key)


@by_link()
@require_http_methods(["GET", "HEAD", "POST"])
@gzip_page
def page(request: HttpRequest, share: "Share") -> HttpResponse:
    if not unlocked(request, share):
        return _unlock(request, share)
    if request.method == "GET" and "q" not in request.GET and request.user.pk != share.transcript.owner_id:
        shares.count_view(share)
    return shown(request, share.transcript, share)


def _unlock(request: HttpRequest, share: "Share") -> HttpResponse:
    if request.method != "POST":
        return _locked(request)
    if not ratelimit.consume(request, app="share", action="open", config=TRIES, key=share.key):
        return _locked(request, "Too many passwords were tried. Wait a few minutes, then try again.", 429)
    if not shares.opens(share, request.POST.get("password", "")):
        return _locked(request, "That is not the password of this link.", 403)
    response = redirect(request.path)
    response.set_signed_cookie(
        COOKIE,
        share.key,
        salt=share.password,
        max_age=COOKIE_SECONDS,
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _locked(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    response = render(request, "share/locked.html", {"problem": problem}, status=status)
    if status == 429:
        response["Retry-After"] = "60"
    return response


def shown(request: HttpRequest, transcript: "Transcript", terms: Any, *, base: str = "") -> HttpResponse:
    """`terms`: a Share, or the Terms of one that is only looked at. `base` leads to the recording and the files."""
    whole = selectors.document(transcript, words=False)
    read = turns(whole.segments, whole.suspect_spans, whole.speakers) if terms.text else []
    query = " ".join(request.GET.get("q", "").split())[:200] if terms.text else ""
    places = found_places(read, query)
    context = {
        "transcript": transcript,
        "terms": terms,
        "base": base,
        "preview": bool(base),
        "turns": read,
        "speakers": whole.speakers,
        "duration": whole.duration,
        "rtl": (whole.language or "") in RTL,
        "heard": terms.audio and transcript.media.playback == "ready",
        "formats": [(name, *words) for name, words in FORMAT_WORDS.items()] if terms.text and terms.downloads else [],
        "query": query,
        "places": places[:MOST_PLACES],
        "found": len(places),
    }
    return render(request, "share/page.html", context)


@by_link("audio")
def audio(request: HttpRequest, share: "Share") -> HttpResponseBase:
    return media.audio(request, share.transcript)


@by_link("audio")
def peaks(request: HttpRequest, share: "Share") -> HttpResponseBase:
    return media.peaks(request, share.transcript)


@by_link("text", "audio")
@require_safe
@gzip_page
def words(request: HttpRequest, share: "Share") -> HttpResponse:
    whole = selectors.document(share.transcript)
    return JsonResponse({"duration": whole.duration, "segments": word_table(segment_words(whole))})


@by_link("text", "downloads")
def export(request: HttpRequest, share: "Share", file_format: str) -> HttpResponseBase:
    return download(request, share.transcript, file_format=file_format)
