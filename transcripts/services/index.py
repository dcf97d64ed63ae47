"""Keeps the passages of each transcript as it stands now, with what search by words and by meaning needs of them.

A transcript that changes is marked in the same transaction and a worker told; the sweeper finds the mark if the message
is lost. Nothing of this is done while somebody waits for a page.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import numpy
from django.db import transaction
from django.utils import timezone

from stt_site.lib.errors import ServiceError
from stt_site.lib.ids import new_id
from stt_site.lib.queue import LATER, ring
from transcripts import engine_gateway, full_text, selectors, terms
from transcripts.models import Index, JobState, Passage, Transcript
from transcripts.services.passages import Cut, cut

INDEX = "transcripts.tasks.index_transcript"
REST = timedelta(seconds=5)
"""After an edit, so that a stretch of typing is one round of work."""
AGAIN = timedelta(seconds=30)
LONGEST_REST = timedelta(hours=1)
BATCH = 16
"""Passages whose meanings are asked for at once."""
logger = logging.getLogger(__name__)


def want(transcript_id: int, *, rest: timedelta = timedelta()) -> None:
    """In the transaction that changes what is shown. One that is wanted already is not rung for again."""
    due = timezone.now() + rest
    wish = {"due_at": due, "failures": 0}
    fresh = bool(Index.objects.filter(pk=transcript_id, due_at=None).update(**wish))
    if not fresh:
        _, fresh = Index.objects.get_or_create(transcript_id=transcript_id, defaults=wish)
    if fresh:
        ring(INDEX, transcript_id, at=due if rest else None)


def want_soon(transcript_id: int) -> None:
    """The same in one statement, without looking: somebody waits."""
    due = timezone.now() + LATER
    wish = Index(transcript_id=transcript_id, due_at=due)
    anew = ["due_at", "failures"]
    Index.objects.bulk_create([wish], update_conflicts=True, unique_fields=["transcript"], update_fields=anew)
    ring(INDEX, transcript_id, at=due)


def forget(transcript_id: int) -> None:
    """It is not to be found from now on."""
    Passage.objects.filter(transcript=transcript_id).delete()
    Index.objects.filter(pk=transcript_id).delete()


def want_all() -> int:
    """Everything anew, vectors too. Returns how many transcripts that is."""
    there = Transcript.objects.filter(owner__isnull=False, trashed_at=None, job__state=JobState.SUCCEEDED)
    Passage.objects.update(embedding=None)
    now, count = timezone.now(), 0
    for pk in there.values_list("pk", flat=True).iterator():
        Index.objects.update_or_create(transcript_id=pk, defaults={"due_at": now, "failures": 0})
        count += 1
    return count


def make(transcript_id: int) -> bool:
    """Is its index as it should be? Words first: they need no engine."""
    transcript = (
        Transcript.objects.filter(pk=transcript_id, owner__isnull=False, trashed_at=None)
        .filter(job__state=JobState.SUCCEEDED)
        .select_related("job")
        .first()
    )
    if transcript is None:
        forget(transcript_id)
        return True
    cuts = list(cut(selectors.document(transcript, words=False)))
    if not _write(transcript, cuts):
        ring(INDEX, transcript_id)
        return False
    try:
        _embed(transcript_id)
    except ServiceError as error:
        _later(transcript_id, error)
        return False
    if _done(transcript):
        return True
    ring(INDEX, transcript_id)
    return False


@transaction.atomic
def _done(transcript: Transcript) -> bool:
    """Whoever changes the transcript meanwhile holds it, and what he finds here is what this left."""
    now = Transcript.objects.select_for_update().filter(pk=transcript.pk).first()
    if now is not None and now.rev != transcript.rev:
        return False
    Index.objects.filter(pk=transcript.pk).update(due_at=None, failures=0)
    return True


@transaction.atomic
def _write(transcript: Transcript, cuts: Sequence[Cut]) -> bool:
    """False: the text was changed while it was read."""
    now = Transcript.objects.select_for_update().filter(pk=transcript.pk, trashed_at=None).first()
    if now is None:
        return True
    if (now.rev, now.owner_id) != (transcript.rev, transcript.owner_id):
        return False
    mine = Passage.objects.filter(transcript=now).order_by("order")
    there = list(mine)
    known = dict(zip(_meant(there), (row.embedding for row in there), strict=True))
    mine.delete()
    fresh = [_row(now, order, each) for order, each in enumerate(cuts)]
    for row, texts in zip(fresh, _meant(fresh), strict=True):
        row.embedding = known.get(texts)
    Passage.objects.bulk_create(fresh, batch_size=100)
    Index.objects.update_or_create(transcript=now, create_defaults=_stamp(due_at=timezone.now()), defaults=_stamp())
    return True


def _row(transcript: Transcript, order: int, each: Cut) -> Passage:
    return Passage(
        owner=transcript.owner,
        transcript=transcript,
        version=transcript.version,
        order=order,
        start=each.start,
        end=each.end,
        speaker=each.speaker[:100],
        language=each.language,
        text=each.text,
        parts=[list(asdict(part).values()) for part in each.parts],
        terms=terms.joined(each.text),
    )


def _meant(rows: Sequence[Passage]) -> list[tuple[str, ...]]:
    """For each part of each passage the text whose meaning it gets: with the sentence before it, which often has what
    it answers, or what "it" is."""
    meant, before = [], ""
    for row in rows:
        texts = []
        for said in row.said():
            texts.append(f"{before} {said}".strip())
            before = said
        meant.append(tuple(texts))
    return meant


def _embed(transcript_id: int) -> None:
    """Vectors for the passages that have none. Raises ServiceError."""
    rows = list(Passage.objects.filter(transcript=transcript_id).order_by("order"))
    waiting = [(row, texts) for row, texts in zip(rows, _meant(rows), strict=True) if row.embedding is None]
    for at in range(0, len(waiting), BATCH):
        some = waiting[at : at + BATCH]
        made = engine_gateway.embed([text for _, texts in some for text in texts], priority="bulk")
        halves = made.astype(numpy.float16)
        for row, texts in some:
            row.embedding, halves = halves[: len(texts)].tobytes(), halves[len(texts) :]
        Passage.objects.bulk_update([row for row, _ in some], ["embedding"])
    if waiting:
        Index.objects.filter(pk=transcript_id).update(**_stamp())


def _later(transcript_id: int, error: ServiceError) -> None:
    index = Index.objects.filter(pk=transcript_id).first()
    if index is None:
        return
    rest = min(AGAIN * 2 ** min(index.failures, 10), LONGEST_REST)
    logger.warning("Transcript %d can be found by its words only for now: %s", transcript_id, error.message)
    Index.objects.filter(pk=transcript_id).update(due_at=timezone.now() + rest, failures=index.failures + 1)


def _stamp(**more: object) -> dict[str, object]:
    return {"stamp": new_id(), **more}


def due(limit: int) -> list[int]:
    """Transcripts whose index is to be made, the longest first."""
    late = Index.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    return list(late.values_list("pk", flat=True)[:limit])


def tidy() -> None:
    full_text.tidy()
