"""Runs over one recording: the newest is shown, the others stay as they are, with what people made of them."""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.dateparse import parse_datetime

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Job, Transcript, Version
from transcripts.services import index
from transcripts.services.editing.desk import own_version

SHOWN = (
    *("text", "language", "language_probability", "duration_ms", "model", "word_count", "speakers", "coverage"),
    *("suspect_spans", "warnings", "turns", "snr_db", "detection"),
)
"""What a transcript's columns say of the version that is shown, beside `edited_at`."""


def locked(transcript_id: int) -> Transcript:
    """In a transaction: nobody edits or switches meanwhile. Raises NOT_FOUND for one that is gone or thrown away."""
    found = Transcript.objects.select_for_update().filter(pk=transcript_id, trashed_at=None).first()
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    return found


def begin(transcript: Transcript, job: Job, kind: str = Version.Kind.RUN) -> Version:
    """A further version, to be shown once its job has ended well. `transcript` is locked."""
    own_version(transcript)
    last = Version.objects.filter(transcript=transcript).aggregate(last=Max("number"))["last"]
    return Version.objects.create(transcript=transcript, number=last + 1, kind=kind, job=job)


@transaction.atomic
def show(version: Version, columns: Mapping[str, Any]) -> None:
    """`columns` as SHOWN. What is shown now is kept for when it is switched back to."""
    now = Transcript.objects.select_for_update().get(pk=version.transcript_id)
    _keep(now)
    if not version.born:
        version.born = now.rev + 1
    version.shown = None
    version.save(update_fields=["born", "shown"])
    Transcript.objects.filter(pk=now.pk).update(
        **{"edited_at": None, **columns}, version=version.number, job=version.job_id, rev=now.rev + 1
    )
    index.want(now.pk)


def _keep(transcript: Transcript) -> None:
    kept = {name: getattr(transcript, name) for name in SHOWN}
    edited = transcript.edited_at and transcript.edited_at.isoformat()
    version = own_version(transcript)
    version.shown = {**kept, "edited_at": edited}
    version.save(update_fields=["shown"])


def others(transcript: Transcript) -> Iterator[tuple[int, Transcript]]:
    """The versions that are not shown, by number, each as the transcript would be if it were. Not to be saved."""
    for version in Version.objects.filter(transcript=transcript, shown__isnull=False).order_by("number"):
        if version.number != transcript.version:
            like = copy(transcript)
            for name, value in {**(version.shown or {}), "version": version.number}.items():
                setattr(like, name, value)
            yield version.number, like


@transaction.atomic
def switch(transcript: Transcript, number: int) -> None:
    """Shows another version as it was left. Raises NOT_FOUND, NOT_READY."""
    now = locked(transcript.pk)
    if number == now.version:
        return
    version = Version.objects.filter(transcript=now, number=number).first()
    if version is None:
        raise ServiceError(ErrorCode.NOT_FOUND)
    if version.shown is None:
        raise ServiceError(ErrorCode.NOT_READY, "This version has no text that could be shown. Nothing was changed.")
    edited = version.shown["edited_at"]
    show(version, {**version.shown, "edited_at": parse_datetime(edited) if edited else None})
