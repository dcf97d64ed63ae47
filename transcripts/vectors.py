"""What passages mean, kept in memory: one matrix an owner, of which only what changed is read again."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy
from numpy.typing import NDArray

from accounts.models import User
from transcripts.models import Index, Passage

Vectors = NDArray[numpy.float32]
Numbers = NDArray[numpy.int64]
DIMENSIONS = 384
OUTSIDE = -2.0
"""Less than any cosine."""
MOST_BYTES = 256 * 1024 * 1024
"""Of all owners together, a process; who was not asked for longest goes first."""
MOST_AT_ONCE = 500
"""Transcripts read with one query: SQLite takes no more than a few values in one."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A row of `vectors` for each part of a passage, with the numbers of both and of the transcript. `stamps` says of
    when they are."""

    stamps: dict[int, str]
    passages: Numbers
    transcripts: Numbers
    parts: Numbers
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Near:
    """How near a passage comes to the query (the cosine), and which of its parts comes nearest."""

    likeness: float
    part: int


_lock = Lock()
_shelves: "OrderedDict[int, Shelf]" = OrderedDict()


def nearest(
    owner: User, query: Vectors, transcripts: Collection[int] | None, limit: int, also: Collection[int] = ()
) -> dict[int, Near]:
    """Passages of the owner's, the nearest first, then those of `also`. `transcripts` None: all of them."""
    shelf = _shelf(owner)
    cosines = shelf.vectors @ query.astype(numpy.float32).reshape(-1)
    if transcripts is not None:
        cosines = numpy.where(numpy.isin(shelf.transcripts, _numbers(transcripts)), cosines, numpy.float32(OUTSIDE))
    # A passage has a few rows, so so many rows hold as many passages as are wanted, or nearly.
    count = min(limit * 4, len(cosines))
    best = numpy.argpartition(-cosines, count - 1)[:count] if count else numpy.empty(0, numpy.int64)
    found: dict[int, Near] = {}
    for row in best[numpy.argsort(-cosines[best], kind="stable")]:
        if cosines[row] > OUTSIDE and len(found) < limit:
            found.setdefault(int(shelf.passages[row]), Near(float(cosines[row]), int(shelf.parts[row])))
    others = numpy.flatnonzero(numpy.isin(shelf.passages, _numbers([pk for pk in also if pk not in found])))
    for row in others[numpy.argsort(-cosines[others], kind="stable")]:
        found.setdefault(int(shelf.passages[row]), Near(float(cosines[row]), int(shelf.parts[row])))
    return found


def _numbers(numbers: Collection[int]) -> Numbers:
    return numpy.fromiter(numbers, numpy.int64, len(numbers))


def _shelf(owner: User) -> Shelf:
    live = Index.objects.filter(transcript__owner=owner, transcript__trashed_at=None)
    stamps = dict(live.values_list("transcript_id", "stamp"))
    with _lock:
        known = _shelves.get(owner.pk)
    shelf = known if known is not None and known.stamps == stamps else _renewed(owner, known, stamps)
    with _lock:
        _shelves[owner.pk] = shelf
        _shelves.move_to_end(owner.pk)
        while len(_shelves) > 1 and sum(each.vectors.nbytes for each in _shelves.values()) > MOST_BYTES:
            _shelves.popitem(last=False)
    return shelf


def _renewed(owner: User, known: Shelf | None, stamps: dict[int, str]) -> Shelf:
    none = numpy.empty(0, numpy.int64)
    known = known or Shelf({}, none, none, none, _matrix([]))
    same = [pk for pk, stamp in stamps.items() if known.stamps.get(pk) == stamp]
    changed = [pk for pk, stamp in stamps.items() if known.stamps.get(pk) != stamp]
    kept = numpy.isin(known.transcripts, _numbers(same))
    rows: list[tuple[int, int, Any]] = []
    for at in range(0, len(changed), MOST_AT_ONCE):
        some = Passage.objects.filter(
            owner=owner, transcript__in=changed[at : at + MOST_AT_ONCE], embedding__isnull=False
        )
        rows += some.order_by().values_list("pk", "transcript_id", "embedding")
    counts = [len(row[2]) // (2 * DIMENSIONS) for row in rows]
    return Shelf(
        stamps,
        numpy.concatenate([known.passages[kept], numpy.repeat(_numbers([row[0] for row in rows]), counts)]),
        numpy.concatenate([known.transcripts[kept], numpy.repeat(_numbers([row[1] for row in rows]), counts)]),
        numpy.concatenate([known.parts[kept], *(numpy.arange(count) for count in counts)]),
        numpy.concatenate([known.vectors[kept], _matrix([row[2] for row in rows])]),
    )


def _matrix(embeddings: Sequence[bytes]) -> Vectors:
    halves = numpy.frombuffer(b"".join(map(bytes, embeddings)), numpy.float16)
    return halves.reshape(-1, DIMENSIONS).astype(numpy.float32)
