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
DIMENSIONS = 384
MOST_BYTES = 256 * 1024 * 1024
"""Of all owners together, a process; who was not asked for longest goes first."""
MOST_AT_ONCE = 500
"""Transcripts read with one query: SQLite takes no more than a few values in one."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A row of `vectors` for each passage: its number, and that of its transcript. `stamps` says of when they are."""

    stamps: dict[int, str]
    passages: NDArray[numpy.int64]
    transcripts: NDArray[numpy.int64]
    vectors: Vectors


_lock = Lock()
_shelves: "OrderedDict[int, Shelf]" = OrderedDict()


def nearest(
    owner: User, query: Vectors, transcripts: Collection[int] | None, limit: int
) -> tuple[list[tuple[int, float]], "Shelf"]:
    """Passages of the owner's with their cosine to `query`, the nearest first. `transcripts` None: all of them."""
    shelf = _shelf(owner)
    likeness = shelf.vectors @ query.astype(numpy.float32).reshape(-1)
    if transcripts is not None:
        likeness[~numpy.isin(shelf.transcripts, numpy.fromiter(transcripts, numpy.int64, len(transcripts)))] = -2
    count = min(limit, len(likeness))
    best = numpy.argpartition(-likeness, count - 1)[:count] if count else numpy.empty(0, numpy.int64)
    best = best[numpy.argsort(-likeness[best], kind="stable")]
    found = [(int(shelf.passages[at]), float(likeness[at])) for at in best if likeness[at] > -2]
    return found, shelf


def likeness(shelf: Shelf, query: Vectors, passages: Collection[int]) -> dict[int, float]:
    """The cosine of these, as far as they have vectors."""
    rows = numpy.flatnonzero(numpy.isin(shelf.passages, numpy.fromiter(passages, numpy.int64, len(passages))))
    near = shelf.vectors[rows] @ query.astype(numpy.float32).reshape(-1)
    return {int(shelf.passages[row]): float(value) for row, value in zip(rows, near, strict=True)}


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
    if known is None:
        known = Shelf({}, numpy.empty(0, numpy.int64), numpy.empty(0, numpy.int64), _matrix([]))
    same = [pk for pk, stamp in stamps.items() if known.stamps.get(pk) == stamp]
    changed = [pk for pk, stamp in stamps.items() if known.stamps.get(pk) != stamp]
    kept = numpy.isin(known.transcripts, numpy.fromiter(same, numpy.int64, len(same)))
    rows: list[tuple[int, int, Any]] = []
    for at in range(0, len(changed), MOST_AT_ONCE):
        some = Passage.objects.filter(
            owner=owner, transcript__in=changed[at : at + MOST_AT_ONCE], embedding__isnull=False
        )
        rows += some.order_by().values_list("pk", "transcript_id", "embedding")
    return Shelf(
        stamps,
        numpy.concatenate([known.passages[kept], numpy.array([row[0] for row in rows], numpy.int64)]),
        numpy.concatenate([known.transcripts[kept], numpy.array([row[1] for row in rows], numpy.int64)]),
        numpy.concatenate([known.vectors[kept], _matrix([row[2] for row in rows])]),
    )


def _matrix(embeddings: Sequence[bytes]) -> Vectors:
    halves = numpy.frombuffer(b"".join(map(bytes, embeddings)), numpy.float16)
    return halves.reshape(-1, DIMENSIONS).astype(numpy.float32)
