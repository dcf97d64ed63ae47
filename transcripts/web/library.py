"""The list of one's transcripts, and what of it changes by itself."""

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from transcripts import selectors
from transcripts.web.access import signed_in
from transcripts.web.forms import ListForm
from transcripts.web.present import Run, Status, snippet, status
from transcripts.web.sample import sample
from transcripts.web.tags import language, span

if TYPE_CHECKING:
    from transcripts.models import Transcript

PAGE = 50


def run_of(transcript: "Transcript") -> Run:
    job = transcript.job
    total = job.total_ms or transcript.media.declared_ms
    return Run(
        state=selectors.status_of(job),
        phase=job.phase,
        done=job.done_ms / 1000,
        total=total / 1000 if total else None,
        started=job.started_at,
        words=transcript.word_count,
        warnings=frozenset(warning["code"] for warning in transcript.warnings),
        error_code=job.error_code,
        error=job.error_message,
        stopping=job.cancel_requested,
    )


def status_now(transcript: "Transcript") -> Status:
    return status(run_of(transcript), timezone.now())


@login_required
@require_safe
def transcripts(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    chosen = ListForm(request.GET).values()
    found = selectors.transcripts_for(
        user, query=chosen["q"], group=chosen["status"], language=chosen["language"], order=chosen["sort"]
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    counts = selectors.transcript_counts(user)
    context = {
        "page": page,
        "rows": [_row(transcript, chosen["q"]) for transcript in page],
        "chosen": chosen,
        "filtered": any(chosen[name] for name in ("q", "status", "language")),
        "sorts": ListForm.SORTS.items(),
        "groups": [(value, name, counts.groups.get(value, 0)) for value, name in ListForm.STATUSES.items()],
        "languages": counts.languages,
        "sample": sample() if not counts.groups.get("") else None,
    }
    return render(request, "transcripts/list.html", context)


def _row(transcript: "Transcript", query: str) -> dict[str, Any]:
    return {
        "transcript": transcript,
        "status": status_now(transcript),
        "file": name if PurePath(name := transcript.media.filename).stem != transcript.title else "",
        "snippet": snippet(transcript.text, query) if query else None,
    }


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """The state of the rows named in `slugs`: {"rows": {slug: {"state", "words", "html", "length", "language"}}}."""
    slugs = [slug for slug in request.GET.get("slugs", "").split(",") if slug][:PAGE]
    rows = {}
    for transcript in selectors.transcripts_for(signed_in(request), slugs=slugs):
        shown = status_now(transcript)
        cells = {"transcript": transcript, "status": shown}
        rows[transcript.slug] = {
            "state": shown.state,
            "words": shown.words,
            "html": render_to_string("transcripts/_status.html", cells),
            "length": span(transcript),
            "language": language(transcript.language),
        }
    answer = JsonResponse({"rows": rows})
    etag = f'"{hashlib.sha256(answer.content).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    answer["ETag"] = etag
    return answer
