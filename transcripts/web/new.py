"""Handing in a recording: the page for members, the plain form behind it, and the try on the landing page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.models import Origin, Transcript
from transcripts.services.submit import Order, submit
from transcripts.uploads.received import received
from transcripts.web.access import caller_of
from transcripts.web.errors import wants_json
from transcripts.web.forms import SPEAKER_COUNTS, transcribe_options
from transcripts.web.languages import choices
from transcripts.web.site import landing_context


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request)
    try:
        transcript = _accept(request)
    except ServiceError as error:
        return _form(request, error)
    return redirect("document", slug=transcript.slug)


def _form(request: HttpRequest, error: ServiceError | None = None) -> HttpResponse:
    engine = selectors.engine_status()
    context = {
        "plan": caller_of(request).plan,
        "engine": engine,
        "languages": choices(),
        "counts": SPEAKER_COUNTS,
        "error": error,
    }
    return render(request, "transcripts/new.html", context, status=error.status if error else 200)


@require_POST
def try_it(request: HttpRequest) -> HttpResponse:
    """Without an account. A script asks for JSON and goes to `url`; a plain form is sent there."""
    try:
        transcript = _accept(request)
    except ServiceError as error:
        if wants_json(request):
            raise
        return render(request, "landing.html", landing_context() | {"error": error}, status=error.status)
    if transcript.view_token:
        address = reverse("shared", kwargs={"token": transcript.view_token})
    else:  # somebody who is signed in dropped a file on the landing page
        address = reverse("document", kwargs={"slug": transcript.slug})
    return JsonResponse({"url": address}) if wants_json(request) else redirect(address)


def _accept(request: HttpRequest) -> Transcript:
    upload = received(request)
    if upload.file is None:
        raise ServiceError(ErrorCode.MISSING_FILE, "Choose a recording first. Nothing was sent.")
    return submit(
        Order(
            caller=upload.caller,
            upload=upload.file,
            options=transcribe_options(upload.fields),
            origin=Origin.WEB,
            interactive=False,
        )
    )
