"""One transcript: to read and hear, while it is being made, to take away, to rename, to stop, to delete."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.streaming import attachment
from transcripts import selectors
from transcripts.exports import registry
from transcripts.exports.base import CannotDraw, Meta, UnknownFormat
from transcripts.services import jobs, speakers, transcripts
from transcripts.services.claim import claim
from transcripts.services.rerun import rerun
from transcripts.services.trash import KEPT, trash
from transcripts.web import editing, panel, translation
from transcripts.web.access import caller_of, signed_in
from transcripts.web.forms import SPEAKER_COUNTS, TitleForm, export_options, transcribe_options
from transcripts.web.languages import choices
from transcripts.web.library import status_now
from transcripts.web.present import RTL, places, segment_words, turns, word_table

if TYPE_CHECKING:
    from transcripts.models import Transcript

ANONYMOUS_FORMATS = ("txt", "srt")
MOST_PLACES = 8
PREVIEW_LINES = 8
"""What the dialog has room for."""
FORMAT_WORDS = {
    "txt": ("Text", "Plain paragraphs"),
    "md": ("Markdown", "For notes and wikis"),
    "srt": ("SubRip", "Subtitles for most players"),
    "vtt": ("WebVTT", "Subtitles for the web"),
    "json": ("JSON", "Everything, with word times"),
    "csv": ("CSV", "A row for each segment"),
    "docx": ("Word", "A document to edit"),
    "pdf": ("PDF", "A document to print"),
}


@require_safe
@gzip_page
def page(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    state = status_now(transcript)
    context = {
        "transcript": transcript,
        "status": state,
        "mine": transcript.owner_id is not None,
        "formats": _formats(transcript),
        "options": _options(),
    }
    if state.state != "completed":
        return render(request, "transcripts/working.html", context)
    whole = selectors.document(transcript, words=False)
    read = turns(whole.segments, whole.suspect_spans, whole.speakers)
    context |= {
        "turns": read,
        "places": (doubtful := places(read))[:MOST_PLACES],
        "more_places": max(0, len(doubtful) - MOST_PLACES),
        "speakers": whole.speakers,
        "counts": SPEAKER_COUNTS,
        "duration": whole.duration,
        "codes": {notice.code for notice in whole.warnings},
        "notices": [n for n in whole.warnings if n.code not in ("embedded_model", "speaker_labels_unavailable")],
        "rtl": (whole.language or "") in RTL,
    }
    if transcript.owner_id is not None:
        context |= editing.context(transcript, [turn for turn in read if turn.unheard])
        context |= panel.context(request, transcript)
        context |= translation.context(request, transcript)
    return render(request, "transcripts/document.html", context)


def _formats(transcript: "Transcript") -> list[tuple[str, str, str]]:
    names = list(registry.FORMATS) if transcript.owner_id else ANONYMOUS_FORMATS
    return [(name, *FORMAT_WORDS.get(name, (name.upper(), ""))) for name in names]


def _options() -> dict[str, str]:
    """For each option the formats that read it, for the dialog to show it with those only."""
    every = {option for exporter in registry.FORMATS.values() for option in exporter.options}
    return {
        option: " ".join(name for name, exporter in registry.FORMATS.items() if option in exporter.options)
        for option in every
    }


@require_safe
def progress(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """How far it is, and the text behind the chunks that the page already shows (`after`, a count of chunks)."""
    after, first = (_count(request.GET.get(name, "")) for name in ("after", "segments"))
    state = status_now(transcript)
    chunks = selectors.chunks(transcript.job, after=after) if state.state == "processing" else []
    segments = [segment for chunk in chunks for segment in chunk.segments]
    cells = {"transcript": transcript, "status": state}
    return JsonResponse(
        {
            "state": state.state,
            "words": state.words,
            "html": render_to_string("transcripts/_status.html", cells),
            "turns": render_to_string("transcripts/_turns.html", {"turns": turns(segments, first=first)}),
            "after": after + len(chunks),
            "segments": first + len(segments),
            "playback": transcript.media.playback,
        }
    )


def _count(text: str) -> int:
    """0 for what is no count; more digits than any count has are no number to Python."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@require_safe
@gzip_page
def words(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """Word times for the player, as `present.word_table` packs them."""
    etag = f'W/"words-{transcript.pk}-{transcript.version}-{transcript.rev}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    _demand_ready(transcript)
    if transcript.owner_id is not None:
        return JsonResponse(editing.words(transcript), headers=headers)
    whole = selectors.document(transcript)
    table = {"duration": whole.duration, "segments": word_table(segment_words(whole))}
    return JsonResponse(table, headers=headers)


def _demand_ready(transcript: "Transcript") -> None:
    if selectors.status_of(transcript.job) != "completed":
        raise ServiceError(ErrorCode.NOT_READY, "The transcript is not ready yet. Its page shows when it is.")


@require_safe
def export(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """The same choices as in the dialog, for a browser without scripts."""
    _demand_ready(transcript)
    context = {"transcript": transcript, "formats": _formats(transcript), "options": _options()}
    return render(request, "transcripts/export.html", context)


@require_safe
def download(request: HttpRequest, transcript: "Transcript", file_format: str = "") -> HttpResponse:
    """The file; with `preview` its first lines as plain text."""
    _demand_ready(transcript)
    wanted = file_format or request.GET.get("format", "")
    if transcript.owner_id is None and wanted not in ANONYMOUS_FORMATS:
        raise ServiceError(ErrorCode.NOT_FOUND)
    meta = Meta(transcript.title, transcript.slug, transcript.created_at, transcript.model)
    whole, options = selectors.document(transcript), export_options(request.GET)
    try:
        if "preview" in request.GET:
            lines = registry.preview(wanted, whole, meta, options, PREVIEW_LINES)
            return HttpResponse(lines, content_type="text/plain; charset=utf-8")
        file = registry.render(wanted, whole, meta, options)
    except UnknownFormat as error:
        raise Http404 from error
    except CannotDraw as error:
        raise ServiceError(ErrorCode.INVALID_REQUEST, str(error)) from error
    return HttpResponse(
        file.body,
        content_type=file.media_type,
        headers={**attachment(file.name), "Cache-Control": "private, no-store"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    form = TitleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        transcripts.rename(transcript, form.cleaned_data["title"])
        return redirect("document", slug=transcript.slug)
    context = {"transcript": transcript, "form": form}
    return render(request, "transcripts/rename.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    if request.method != "POST":
        return render(request, "transcripts/delete.html", {"transcript": transcript})
    trash(transcript)
    messages.success(request, f"“{transcript.title}” is in the trash. For {KEPT.days} days it can be taken back.")
    return redirect("transcripts")


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """The same recording with other options, into a new version."""
    error = None
    if request.method == "POST":
        try:
            rerun(caller_of(request), transcript, transcribe_options(dict(request.POST.lists())))
        except ServiceError as refusal:
            error = refusal
        else:
            messages.success(request, "The new version is being made. It is shown here once it is done.")
            return redirect("document", slug=transcript.slug)
    context = {
        "transcript": transcript,
        "engine": selectors.engine_status(),
        "languages": choices(),
        "counts": SPEAKER_COUNTS,
        "error": error,
    }
    return render(request, "transcripts/again.html", context, status=error.status if error else 200)


@require_POST
def cancel(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    jobs.request_cancel(transcript.job_id)
    return redirect("../")


@require_POST
def label_speakers(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    wish = transcribe_options({"speakers": [request.POST.get("speakers", "")]})
    try:
        speakers.order(transcript, wish)
    except ServiceError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The speakers are being told apart. Come back to this page in a while.")
    return redirect("document", slug=transcript.slug)


KEEP = "keep"
KEEP_SECONDS = 24 * 3600


@require_POST
def keep(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """Remembers in a signed cookie which result is to be kept, then asks for an account."""
    if request.user.is_authenticated:
        return redirect("document", slug=claim(transcript.view_token, signed_in(request)).slug)
    response = redirect(f"/accounts/signup/?next=/{KEEP}/")
    response.set_signed_cookie(
        KEEP,
        transcript.view_token,
        max_age=KEEP_SECONDS,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
@require_safe
def kept(request: HttpRequest) -> HttpResponse:
    """Where signing up leads: the result that the cookie remembers becomes the user's own."""
    token = request.get_signed_cookie(KEEP, default="", max_age=KEEP_SECONDS)
    if not token:
        return redirect("transcripts")
    response = redirect("document", slug=claim(token, signed_in(request)).slug)
    response.delete_cookie(KEEP)
    return response
