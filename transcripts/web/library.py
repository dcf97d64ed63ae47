"""The list of one's transcripts, and what of it changes by itself."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
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

from stt_site.lib.errors import ServiceError
from transcripts import library, search, selectors
from transcripts.exports.registry import FORMATS
from transcripts.library import Filters, Found, Place
from transcripts.web.access import signed_in
from transcripts.web.bulk import just_trashed
from transcripts.web.forms import ListForm
from transcripts.web.present import Run, Status, status, upload_status
from transcripts.web.sample import sample
from transcripts.web.tags import language

if TYPE_CHECKING:
    from accounts.models import User
    from transcripts.models import Transcript, Upload


def run_of(transcript: "Transcript", place: int | None) -> Run:
    job = transcript.job
    state = selectors.status_of(job)
    total = job.total_ms or transcript.media.declared_ms
    return Run(
        state=state,
        phase=job.phase,
        done=job.done_ms / 1000,
        total=total / 1000 if total else None,
        started=job.started_at,
        words=transcript.word_count,
        warnings=frozenset(warning["code"] for warning in transcript.warnings),
        error_code=job.error_code,
        error=job.error_message,
        stopping=job.cancel_requested,
        place=place,
        labelling=transcript.labels_wanted is not None,
    )


def status_now(transcript: "Transcript") -> Status:
    return _status(transcript, library.places_in_queue([transcript.job]))


def _status(transcript: "Transcript", places: Mapping[int, int]) -> Status:
    return status(run_of(transcript, places.get(transcript.job_id)), timezone.now())


@login_required
@require_safe
@gzip_page
def transcripts(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    chosen = ListForm(request.GET).values()
    found, trouble = _found(user, chosen, request.GET.get("behind", ""))
    counts = selectors.transcript_counts(user)
    filtered = any(value for name, value in chosen.items() if name not in ("sort", "by"))
    first = not request.GET.get("behind")
    queue = library.places_in_queue(transcript.job for transcript in found.transcripts)
    uploads = [] if filtered or not first else [upload_row(upload) for upload in library.uploads(user)]
    context = {
        "rows": [
            row_of(transcript, queue, chosen["q"], found.places.get(transcript.pk)) for transcript in found.transcripts
        ],
        "uploads": uploads,
        "total": found.total,
        "behind": found.behind,
        "first": first,
        "chosen": chosen,
        "filtered": filtered,
        "trouble": trouble,
        "ways": ListForm.WAYS.items(),
        "by_meaning": bool(chosen["q"]) and chosen["by"] == "meaning" and not trouble,
        "sorts": ListForm.SORTS.items(),
        "groups": [(value, name, counts.groups.get(value, 0)) for value, name in ListForm.STATUSES.items()],
        "menus": _menus(user, chosen, counts.languages),
        "tags": [name for name, _ in selectors.tags_of(user)],
        "formats": [(each.id, each.label) for each in FORMATS.values()],
        "trash": selectors.trash_for(user).count(),
        "trashed": just_trashed(request),
        "sample": sample() if not (counts.groups.get("") or uploads) else None,
    }
    return render(request, "transcripts/list.html", context)


def _found(user: "User", chosen: dict[str, str], behind: str) -> tuple[Found, str]:
    """By meaning, where that was asked for; where it cannot be, by words, and why."""
    filters = _filters(chosen)
    if not (chosen["by"] == "meaning" and chosen["q"]):
        return library.find(user, filters, behind=behind), ""
    try:
        return _by_meaning(user, filters), ""
    except ServiceError as error:
        return library.find(user, filters, behind=behind), error.message


def _by_meaning(user: "User", filters: Filters) -> Found:
    """The best first, each transcript once, with its best place."""
    places: dict[int, Place] = {}
    slugs: dict[int, str] = {}
    for hit in search.search(user, filters.query, filters=filters, by="meaning", limit=search.DEPTH):
        places.setdefault(hit.transcript.pk, Place(hit.start, hit.pieces))
        slugs[hit.transcript.pk] = hit.transcript.slug
    rows = selectors.transcripts_for(user, slugs=list(slugs.values())).defer("text")
    there = {transcript.pk: transcript for transcript in rows}
    ordered = [there[pk] for pk in places if pk in there]
    return Found(ordered, len(ordered), "", places)


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


def row_of(
    transcript: "Transcript", queue: Mapping[int, int], query: str = "", place: Place | None = None
) -> dict[str, Any]:
    name = transcript.media.filename
    return {
        "transcript": transcript,
        "status": _status(transcript, queue),
        "file": name if PurePath(name).stem != transcript.title else "",
        "tags": [tag.name for tag in transcript.tags.all()],
        "query": query,
        "place": place,
    }


UPLOAD = "upload:"
"""Before an upload's key, where rows are named: no slug has a colon."""


def upload_row(upload: "Upload") -> dict[str, Any]:
    going = upload.locked_until is not None and upload.locked_until > timezone.now()
    return {
        "name": f"{UPLOAD}{upload.key}",
        "upload": upload,
        "status": upload_status(upload.offset, upload.size, going),
    }


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """The rows named in `ids`, with commas between: {"rows": {name: {"state", "open", "words", "html"}}}."""
    names = [name for name in request.GET.get("ids", "").split(",") if name][: library.PAGE]
    rows = {}
    for name, row, template in _rows_named(signed_in(request), names):
        state = row["status"]
        html = render_to_string(template, {"row": row})
        rows[name] = {"state": state.state, "open": state.open, "words": state.words, "html": html}
    answer = JsonResponse({"rows": rows})
    etag = f'"{hashlib.sha256(answer.content).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    answer["ETag"] = etag
    return answer


def _rows_named(user: "User", names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each that is there: its name, itself, its template."""
    found = list(selectors.transcripts_for(user, slugs=names).defer("text").prefetch_related("tags"))
    queue = library.places_in_queue(transcript.job for transcript in found)
    for transcript in found:
        yield transcript.slug, row_of(transcript, queue), "transcripts/_row.html"
    keys = [name.removeprefix(UPLOAD) for name in names if name.startswith(UPLOAD)]
    for upload in library.uploads(user, keys) if keys else []:
        row = upload_row(upload)
        yield row["name"], row, "transcripts/_upload.html"
