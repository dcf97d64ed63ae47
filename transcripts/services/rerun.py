"""The same recording once more, with another model or other options: a new version, paid as any transcription."""

from django.db import transaction
from django.db.models import Q

from accounts.services.access import Caller
from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import OPEN_STATES, Job, Transcript, Version
from transcripts.services.editing import versions
from transcripts.services.submit import submit_again


@transaction.atomic
def rerun(caller: Caller, transcript: Transcript, options: Options) -> Version:
    """Its job is queued when this returns, and it is shown once that has succeeded; till then, and if it fails, all
    stays. Raises CONFLICT while the recording is being transcribed and where it is gone, and as `submit`."""
    now = versions.locked(transcript.pk)
    working = Job.objects.filter(Q(pk=now.job_id) | Q(versions__transcript=now), state__in=OPEN_STATES)
    if working.exists():
        message = "This recording is being transcribed already. Nothing was charged; wait until it is done."
        raise ServiceError(ErrorCode.CONFLICT, message)
    if now.media.removed_at:
        message = "The recording is no longer here, so it cannot be transcribed again. Nothing was charged."
        raise ServiceError(ErrorCode.CONFLICT, message)
    job = submit_again(caller, now, options)
    return versions.begin(now, job)


def jobs_of(transcript: Transcript) -> set[int]:
    """Of all its versions."""
    return {transcript.job_id, *Version.objects.filter(transcript=transcript).values_list("job", flat=True)}
