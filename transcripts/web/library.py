"""The list of one's transcripts, and what of it changes by itself."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from transcripts import library, selectors
from transcripts.exports.registry import FORMATS
from transcripts.library import Filters, Place
from transcripts.web.access import signed_in
from transcripts.web.bulk import just_trashed
from transcripts.web.forms import ListForm
from transcripts.web.present import Run, Status, status
from transcripts.web.sample import sample
from transcripts.web.tags import language

if TYPE_CHECKING:
    from accounts.models import User
    from transcripts.models import Transcript


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
@gzip_page
def transcripts(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    chosen = ListForm(request.GET).values()
    found = library.find(user, _filters(chosen), behind=request.GET.get("behind", ""))
    counts = selectors.transcript_counts(user)
    context = {
        "rows": [row_of(transcript, chosen["q"], found.places.get(transcript.pk)) for transcript in found.transcripts],
        "total": found.total,
        "behind": found.behind,
        "first": not request.GET.get("behind"),
        "chosen": chosen,
        "filtered": any(value for name, value in chosen.items() if name != "sort"),
        "sorts": ListForm.SORTS.items(),
        "groups": [(value, name, counts.groups.get(value, 0)) for value, name in ListForm.STATUSES.items()],
        "menus": _menus(user, chosen, counts.languages),
        "tags": [name for name, _ in selectors.tags_of(user)],
        "formats": [(each.id, each.label) for each in FORMATS.values()],
        "trash": selectors.trash_for(user).count(),
        "trashed": just_trashed(request),
        "sample": sample() if not counts.groups.get("") else None,
    }
    return render(request, "transcripts/list.html", context)


def _filters(chosen: dict[str, str]) -> Filters:
    return Filters(
        query=chosen["q"],
        group=chosen["status"],
        language=chosen["language"],
        speaker=chosen["speaker"],
        tag=chosen["tag"],
        source=chosen["source"],
        since=_midnight(int(chosen["date"])) if chosen["date"] else None,
        order=chosen["sort"],
    )


def _midnight(days: int) -> datetime:
    """The start of the day `days` - 1 days ago: 1 is today."""
    return datetime.combine(timezone.now().astimezone(UTC).date() - timedelta(days=days - 1), time(), UTC)


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter: its name in the address, what it says when nothing is chosen, and (value, words) of what can be."""

    name: str
    none: str
    choices: list[tuple[str, str]]
    chosen: str

    @property
    def label(self) -> str:
        return self.name.capitalize()


def _menus(user: "User", chosen: dict[str, str], languages: list[str]) -> list[Menu]:
    """Those that have something to choose."""
    menus = [
        ("language", "Any language", [(code, language(code)) for code in languages]),
        ("speaker", "Any speaker", [(name, name) for name in library.speakers(user)]),
        ("tag", "Any tag", [(name, name) for name, _ in selectors.tags_of(user)]),
        ("date", "Any date", list(ListForm.DATES.items())[1:]),
        ("source", "Any source", [(each.value, ListForm.SOURCES[each.value]) for each in library.sources(user)]),
    ]
    shown = (Menu(name, none, choices, chosen[name]) for name, none, choices in menus)
    return [menu for menu in shown if len(menu.choices) > 1 or menu.chosen]


def row_of(transcript: "Transcript", query: str = "", place: Place | None = None) -> dict[str, Any]:
    name = transcript.media.filename
    return {
        "transcript": transcript,
        "status": status_now(transcript),
        "file": name if PurePath(name).stem != transcript.title else "",
        "tags": [tag.name for tag in transcript.tags.all()],
        "query": query,
        "place": place,
    }


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """The rows named in `ids`, slugs with commas between: {"rows": {slug: {"state", "words", "html"}}}."""
    slugs = [slug for slug in request.GET.get("ids", "").split(",") if slug][: library.PAGE]
    rows = {}
    for transcript in selectors.transcripts_for(signed_in(request), slugs=slugs).defer("text").prefetch_related("tags"):
        row = row_of(transcript)
        html = render_to_string("transcripts/_row.html", {"row": row})
        rows[transcript.slug] = {"state": row["status"].state, "words": row["status"].words, "html": html}
    answer = JsonResponse({"rows": rows})
    etag = f'"{hashlib.sha256(answer.content).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    answer["ETag"] = etag
    return answer
