import logging

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Mail
from accounts.services import idempotency, ledger, mails
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import storage
from transcripts.models import Job, Media, Transcript
from transcripts.services import chat, closing
from transcripts.services.leases import slot

logger = logging.getLogger(__name__)
TITLE_LENGTH = 200


def rename(transcript: Transcript, title: str) -> None:
    title = " ".join(title.replace("\0", "").split())
    if not title or len(title) > TITLE_LENGTH:
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"A title has 1 to {TITLE_LENGTH} characters.")
    transcript.title = title
    transcript.save(update_fields=["title"])


def delete(transcript: Transcript) -> None:
    """The transcript with all its versions, and the recording with its files. What still runs is cancelled and free."""
    media = transcript.media
    with transaction.atomic():
        chat.forget(transcript)
        jobs = Job.objects.filter(Q(pk=transcript.job_id) | Q(versions__transcript=transcript)).distinct()
        for job in list(jobs):
            closing.cancel(Q(pk=job.pk))
            # The worker that may still run finds its row gone and stops.
            job.delete()
        idempotency.forget(transcript.reference)
        if transcript.owner is not None:
            mails.forget(transcript.owner, Mail.Kind.TRANSCRIPT_READY, transcript.public_id)
        shared = Transcript.objects.filter(media=media).exists()
        if not shared:
            media.delete()
            transaction.on_commit(lambda: storage.delete(media.key))


def withdraw(transcript: Transcript, reason: str) -> None:
    """Of work that succeeded and could not be made into the answer that it was for: nothing is charged or kept."""
    with transaction.atomic():
        ledger.undo(slot(transcript.job_id), reason)
        delete(transcript)


def purge_expired() -> int:
    """Returns how many transcripts went. One that cannot go now does not keep the others."""
    expired = Transcript.objects.filter(expires_at__lte=timezone.now()).select_related("job", "media")[:500]
    gone = 0
    for transcript in expired:
        try:
            delete(transcript)
            gone += 1
        except Exception:
            logger.exception(
                "Transcript %d is past its time and could not be deleted; it is tried again.", transcript.pk
            )
    return gone


def orphaned_media_keys(keys: set[str]) -> set[str]:
    """Those of `keys` that no recording has."""
    return keys - set(Media.objects.filter(key__in=keys).values_list("key", flat=True))
