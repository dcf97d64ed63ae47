"""Several transcripts at once: taken away as a ZIP, tagged, thrown away; and what was thrown away."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.streaming import as_made, attachment
from transcripts import library, selectors
from transcripts.services import bulk, transcripts, trash
from transcripts.web.access import signed_in

if TYPE_CHECKING:
    from transcripts.models import Transcript

JUST = "just_trashed"
"""In the session: the slugs that the next look at the list offers to bring back."""


@login_required
@require_POST
def act(request: HttpRequest) -> HttpResponseBase:
    """`one` is a row's own button and names its transcript; else `action` is done with every `slug` that is ticked."""
    one, action = request.POST.get("one"), request.POST.get("action", "")
    slugs = [one] if one else request.POST.getlist("slug")[: library.MOST_AT_ONCE]
    if one or action == "trash":
        return _trash(request, slugs)
    if not slugs:
        messages.error(request, "Nothing was selected.")
        return back(request)
    if action == "export":
        return _export(request, slugs)
    if action == "tag":
        return _tag(request, slugs, "tag")
    if action == "untag":
        return _tag(request, slugs, "untag")
    raise ServiceError(ErrorCode.INVALID_REQUEST)


def back(request: HttpRequest) -> HttpResponse:
    wish = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wish, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(wish if safe else "transcripts")


def _trash(request: HttpRequest, slugs: Sequence[str]) -> HttpResponse:
    done = _done(request, slugs, "trash")
    request.session[JUST] = done
    return back(request)


def _tag(request: HttpRequest, slugs: Sequence[str], action: bulk.Action) -> HttpResponse:
    name = " ".join(request.POST.get("tag", "").split())
    try:
        done = _done(request, slugs, action, [name])
    except ServiceError as error:
        messages.error(request, error.message)
        return back(request)
    told = f"{len(done)} transcript{'' if len(done) == 1 else 's'}"
    messages.success(request, f"“{name}” is {'on' if action == 'tag' else 'off'} {told}.")
    return back(request)


def _done(request: HttpRequest, slugs: Sequence[str], action: bulk.Action, tags: Sequence[str] = ()) -> list[str]:
    """The slugs of those that were there."""
    done: list[str] = []
    for at in range(0, len(slugs), bulk.MOST):
        done += bulk.act(signed_in(request), slugs[at : at + bulk.MOST], action, tags).done
    return done


def _export(request: HttpRequest, slugs: Sequence[str]) -> HttpResponseBase:
    try:
        blocks = bulk.export(signed_in(request), slugs, request.POST.get("format", ""))
    except ServiceError as error:
        messages.error(request, error.message)
        return back(request)
    return StreamingHttpResponse(
        as_made(request, blocks),
        content_type="application/zip",
        headers=attachment(f"transcripts-{timezone.now():%Y-%m-%d}.zip"),
    )


def just_trashed(request: HttpRequest) -> list["Transcript"]:
    slugs = request.session.pop(JUST, [])
    return list(selectors.trash_for(signed_in(request)).filter(slug__in=slugs)) if slugs else []


@login_required
@require_safe
def trash_page(request: HttpRequest) -> HttpResponse:
    thrown = selectors.trash_for(signed_in(request)).defer("text")
    rows = [(each, each.trashed_at + trash.KEPT) for each in thrown if each.trashed_at]
    return render(request, "transcripts/trash.html", {"rows": rows})


@login_required
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    done = _done(request, request.POST.getlist("slug")[: library.MOST_AT_ONCE], "restore")
    told = "The transcript is back, with its links." if len(done) == 1 else f"{len(done)} transcripts are back."
    messages.success(request, told)
    return redirect("transcripts")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, slug: str) -> HttpResponse:
    """For ever, of one that is in the trash."""
    transcript = selectors.trashed_for(signed_in(request), slug)
    if request.method != "POST":
        links = selectors.shares_of(transcript).count()
        return render(request, "transcripts/erase.html", {"transcript": transcript, "links": links})
    transcripts.delete(transcript)
    messages.success(request, f"“{transcript.title}” is deleted, with its recording.")
    return redirect("trash")
