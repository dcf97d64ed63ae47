"""Pages for everybody: the landing page, the first steps with the API, the theme."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from accounts.services import plans
from transcripts import selectors
from transcripts.web import reference
from transcripts.web.context import THEMES
from transcripts.web.languages import choices
from transcripts.web.present import segment_words, word_table
from transcripts.web.sample import sample

YEAR = 365 * 24 * 3600


def landing_context() -> dict[str, Any]:
    return {
        "sample": sample(),
        "anonymous": plans.anonymous(),
        "free": plans.free(),
        "paid": plans.paid(),
        "retention_hours": settings.ANONYMOUS_RETENTION_HOURS,
    }


@require_safe
@ensure_csrf_cookie
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "landing.html", landing_context())


@require_safe
def sample_words(request: HttpRequest) -> HttpResponse:
    transcript = sample().transcript
    answer = JsonResponse({"duration": transcript.duration, "segments": word_table(segment_words(transcript))})
    answer["Cache-Control"] = "public, max-age=3600"
    return answer


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    status = selectors.engine_status()
    context = {"engine": status, "languages": choices(), "anonymous": plans.anonymous()}
    return render(request, "docs/guide.html", {**context, "reference": reference.pages().values()})


@require_safe
def reference_page(request: HttpRequest, slug: str) -> HttpResponse:
    page = reference.pages().get(slug)
    if page is None:
        raise Http404
    return render(request, "docs/reference.html", {"page": page, "reference": reference.pages().values()})


@require_POST
def theme(request: HttpRequest) -> HttpResponseRedirect:
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = redirect(back if safe else "/")
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme")
    return response
