"""What is thrown away can be taken back for a week, and is not there for anybody else meanwhile."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Transcript
from transcripts.services import closing, index
from transcripts.services.rerun import jobs_of
from transcripts.services.transcripts import delete

KEPT = timedelta(days=7)
logger = logging.getLogger(__name__)


@transaction.atomic
def trash(transcript: Transcript) -> None:
    """Work that still runs is cancelled and is free."""
    if not Transcript.objects.filter(pk=transcript.pk, trashed_at=None).update(trashed_at=timezone.now()):
        raise ServiceError(ErrorCode.NOT_FOUND)
    index.forget(transcript.pk)
    for job in jobs_of(transcript):
        closing.cancel(Q(pk=job))


@transaction.atomic
def restore(transcript: Transcript) -> None:
    if not Transcript.objects.filter(pk=transcript.pk, trashed_at__isnull=False).update(trashed_at=None):
        raise ServiceError(ErrorCode.NOT_FOUND)
    index.want(transcript.pk)


def purge() -> int:
    """Deletes what nobody took back. Returns how many."""
    over = Transcript.objects.filter(trashed_at__lte=timezone.now() - KEPT).select_related("job", "media")[:500]
    gone = 0
    for transcript in over:
        try:
            delete(transcript)
            gone += 1
        except Exception:
            logger.exception("Transcript %d could not be taken from the trash; it is tried again.", transcript.pk)
    return gone
