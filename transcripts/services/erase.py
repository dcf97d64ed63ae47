"""Deleting an account with all it has. Each step may be repeated: what a crash leaves undone, the sweeper finishes."""

import logging
from dataclasses import dataclass

from django.db.models import Q, Sum

from accounts.models import User
from accounts.services import api_keys, erasure
from stt_site.lib.queue import ring
from transcripts import full_text, storage
from transcripts.models import OPEN_STATES, Job, Media, StoredFile, Transcript
from transcripts.services import closing, files, uploads, webhooks

ERASE = "transcripts.tasks.erase_account"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What would go."""

    transcripts: int
    recordings_bytes: int
    """Files of the store included."""
    open_jobs: int
    keys: int


def holdings(owner: User) -> Holdings:
    sizes = (each.objects.filter(owner=owner).aggregate(total=Sum("size"))["total"] for each in (Media, StoredFile))
    return Holdings(
        transcripts=Transcript.objects.filter(owner=owner).count(),
        recordings_bytes=sum(size or 0 for size in sizes),
        open_jobs=Job.objects.filter(owner=owner, state__in=OPEN_STATES).count(),
        keys=api_keys.active_keys(owner).count(),
    )


def begin(owner: User) -> None:
    """The account is closed when this returns; a worker erases the rest. Raises as `erasure.close`."""
    erasure.close(owner)
    for job_id in Job.objects.filter(owner=owner, state__in=OPEN_STATES).values_list("pk", flat=True):
        closing.cancel(Q(pk=job_id))
    ring(ERASE, owner.pk)


def finish_waiting() -> None:
    for owner_id in erasure.waiting():
        try:
            erase(owner_id)
        except Exception:
            logger.exception("Account %d is closed and could not be erased yet; it is tried again.", owner_id)


def erase(owner_id: int) -> None:
    """Files before their rows: while there is a row, somebody knows that the file may still be there."""
    if owner_id not in erasure.waiting():
        return
    for job_id in Job.objects.filter(owner_id=owner_id, state__in=OPEN_STATES).values_list("pk", flat=True):
        closing.cancel(Q(pk=job_id))
    uploads.remove_all(owner_id)
    files.remove_all(owner_id)
    webhooks.remove_all(owner_id)
    for media in Media.objects.filter(owner_id=owner_id).defer("peaks").order_by("pk"):
        storage.delete(media.key)
        media.delete()
    full_text.forget_deleted()
    erasure.forget(owner_id)
