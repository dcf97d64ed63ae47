"""Recordings go when their owner's time for them is over; what was heard in them stays."""

import logging
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from transcripts import storage
from transcripts.models import OPEN_STATES, Job, Media, Playback

BATCH = 500
logger = logging.getLogger(__name__)


def remove_recordings() -> None:
    """Files before the row that says so: what a crash leaves undone is done again, and does no harm."""
    chosen = User.objects.exclude(keep_recordings_days=None).order_by().distinct()
    for days in chosen.values_list("keep_recordings_days", flat=True):
        for media in _over(days or 0):
            try:
                storage.delete(media.key)
            except OSError:
                logger.exception("Recording %d is past its time and could not be removed; it is tried again.", media.pk)
                continue
            Media.objects.filter(pk=media.pk).update(removed_at=timezone.now(), playback=Playback.FAILED, peaks=b"")


def _over(days: int) -> list[Media]:
    working = Job.objects.filter(state__in=OPEN_STATES).values("media_id")
    mine = Media.objects.filter(owner__keep_recordings_days=days, removed_at=None).exclude(pk__in=working)
    ended = mine.annotate(ended=Max("jobs__finished_at")).filter(ended__lte=timezone.now() - timedelta(days=days))
    return list(ended.only("pk", "key").order_by("pk")[:BATCH])
