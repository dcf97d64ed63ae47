from typing import TYPE_CHECKING

from django.db import transaction

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import Job, Media, Transcript

if TYPE_CHECKING:
    from accounts.models import User


def claim(token: str, user: "User") -> Transcript:
    """Gives an anonymous result to an account. One update decides, so of two claims one wins and the other hears 404."""
    with transaction.atomic():
        transcript = Transcript.objects.filter(view_token=token, owner=None).exclude(view_token="").first()
        if transcript is None or not Transcript.objects.filter(pk=transcript.pk, owner=None).update(
            owner=user, view_token="", expires_at=None
        ):
            raise ServiceError(ErrorCode.NOT_FOUND, "This result is gone, or it was kept already.")
        Media.objects.filter(pk=transcript.media_id).update(owner=user)
        Job.objects.filter(pk=transcript.job_id).update(owner=user)
    transcript.refresh_from_db()
    return transcript
