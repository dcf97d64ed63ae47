from django.db import transaction

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.models import Job, Media, Transcript
from transcripts.services import index


@transaction.atomic
def claim(token: str, owner: User) -> Transcript:
    """Make an anonymous result the user's own: kept, and no longer opened by its token. Raises NOT_FOUND."""
    transcript = selectors.anonymous_transcript(token)
    claimed = Transcript.objects.filter(pk=transcript.pk, owner=None, view_token=token).update(
        owner=owner, view_token="", expires_at=None
    )
    if not claimed:
        raise ServiceError(ErrorCode.NOT_FOUND)
    Media.objects.filter(pk=transcript.media_id).update(owner=owner)
    Job.objects.filter(pk=transcript.job_id, owner=None).update(owner=owner)
    index.want(transcript.pk)
    return Transcript.objects.select_related("job", "media").get(pk=transcript.pk)
