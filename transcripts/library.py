"""The list of one's transcripts, as people look through it: filters, search with places, pages that do not shift."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from transcripts import full_text, selectors, snippets
from transcripts.models import Job, JobState, Origin, Passage, Transcript, Upload
from transcripts.services import leases
from transcripts.snippets import Piece
from transcripts.terms import clauses

PAGE = 50
MOST_AT_ONCE = 500
"""Transcripts with which one thing is done."""
MOST_NAMES = 200
"""Speakers that can be chosen from."""
MOST_WAITING = 1000
"""Jobs of which the place is said."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: not filtered. `order` is one of selectors.ORDERS."""

    query: str = ""
    group: str = ""
    language: str = ""
    speaker: str = ""
    tag: str = ""
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search found something: the words there, and when they are said."""

    start: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `total` counts all pages; `behind` is what `find` takes for the next one, empty on the last."""

    transcripts: list[Transcript]
    total: int
    behind: str
    places: dict[int, Place] = field(default_factory=dict)


def find(user: User, filters: Filters, behind: str = "") -> Found:
    """A place in the list is told by the row before it, so rows that come or go meanwhile shift nothing."""
    found = matching(user, filters)
    total = found.count()
    place = _place(behind, filters.order)
    if place is not None:
        found = found.filter(_is_behind(filters.order, *place))
    page = list(found.defer("text").prefetch_related("tags")[: PAGE + 1])
    more = len(page) > PAGE
    del page[PAGE:]
    places = _places(user, page, filters.query) if filters.query else {}
    return Found(page, total, _name_of(page[-1], filters.order) if more else "", places)


def matching(user: User, filters: Filters) -> QuerySet[Transcript]:
    found = selectors.transcripts_for(
        user,
        query=filters.query,
        group=filters.group,
        language=filters.language,
        tag=filters.tag,
        order=filters.order,
    )
    if filters.speaker:
        # Looking into JSON is not the same in two databases.
        heard = _speakers(user).items()
        found = found.filter(pk__in=[pk for pk, names in heard if filters.speaker in names])
    if filters.source:
        found = found.filter(job__origin=filters.source)
    if filters.since:
        found = found.filter(created_at__gte=filters.since)
    if filters.until:
        found = found.filter(created_at__lt=filters.until)
    return found


def speakers(user: User) -> list[str]:
    """Of all transcripts, the most frequent first."""
    counts: dict[str, int] = {}
    for names in _speakers(user).values():
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:MOST_NAMES]


def sources(user: User) -> list[Origin]:
    found = selectors.transcripts_for(user).order_by().values_list("job__origin", flat=True).distinct()
    return [origin for origin in Origin if origin in set(found)]


def uploads(user: User, keys: Sequence[str] | None = None) -> list[Upload]:
    """Files that are not all here yet, or not handed in yet, the newest first."""
    mine = Upload.objects.filter(owner=user, expires_at__gt=timezone.now()).order_by("-created_at")
    return list(mine if keys is None else mine.filter(key__in=[key for key in keys if key.isprintable()]))


def places_in_queue(jobs: Iterable[Job]) -> dict[int, int]:
    """Of those that wait: how many are before it, itself counted. As things are now: others may still go before it."""
    waiting = [job.pk for job in jobs if job.state == JobState.QUEUED]
    if not waiting:
        return {}
    line = leases.waiting_fairly().values_list("pk", flat=True)[:MOST_WAITING]
    places = {pk: place for place, pk in enumerate(line, 1)}
    return {pk: places[pk] for pk in waiting if pk in places}


def _speakers(user: User) -> dict[int, list[str]]:
    return dict(selectors.transcripts_for(user).exclude(speakers=[]).order_by().values_list("pk", "speakers"))


def _places(user: User, page: Sequence[Transcript], query: str) -> dict[int, Place]:
    """Of each transcript the first sentence that says what is sought; where none says all of it, some of it."""
    asked = clauses(query)
    found: dict[int, Passage] = {}
    for any_of in (False, True):
        missing = [transcript.pk for transcript in page if transcript.pk not in found]
        if missing and asked:
            found |= full_text.first_in_each(full_text.Scope(user, named=missing), asked, any_of=any_of)
    return {pk: _place_in(passage, query) for pk, passage in found.items()}


def _place_in(passage: Passage, query: str) -> Place:
    found = snippets.best(passage, query)
    return Place(passage.parts[found.part][1], found.pieces)


# ---- pages by key


def _name_of(last: Transcript, order: str) -> str:
    values = {"": last.created_at.isoformat(), "title": last.title, "length": last.duration_ms}
    return urlsafe_b64encode(json.dumps([values[order], last.pk]).encode()).decode().rstrip("=")


def _place(name: str, order: str) -> tuple[datetime | str | int | None, int] | None:
    """None, the first page, for what no page of ours said."""
    try:
        value, pk = json.loads(urlsafe_b64decode(f"{name}=="))
        if order == "":
            value = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    kinds = {"": datetime, "title": str, "length": int | None}
    numbers = [number for number in (value, pk) if isinstance(number, int)]
    printable = not isinstance(value, str) or value.isprintable()
    if not (isinstance(value, kinds[order]) and isinstance(pk, int) and printable):
        return None
    return (value, pk) if all(abs(number) < 2**63 for number in numbers) else None


def _is_behind(order: str, value: datetime | str | int | None, pk: int) -> Q:
    """The rows that `selectors.ORDERS` puts behind the one with this value and number."""
    if order == "title":
        return Q(title__gt=value) | Q(title=value, pk__lt=pk)
    if order == "length":
        same = Q(duration_ms=value, pk__lt=pk) if value is not None else Q(duration_ms__isnull=True, pk__lt=pk)
        return same if value is None else same | Q(duration_ms__lt=value) | Q(duration_ms__isnull=True)
    return Q(created_at__lt=value) | Q(created_at=value, pk__lt=pk)
