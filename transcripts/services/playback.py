"""The browser's copy of a recording, made beside or after its transcription. A failed one never fails the job."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from engine.errors import EngineError
from stt_site.lib.queue import LATER, ring
from transcripts import engine_gateway, storage
from transcripts.models import Job, Media, Origin, Playback

MAKE_PLAYBACK = "transcripts.tasks.make_playback"
WANTED = Q(owner__isnull=False) | Q(transcripts__view_token__gt="")
"""Somebody can open a page that plays it; the recording of an anonymous API call is never heard again."""
AGAIN = timedelta(seconds=2)
logger = logging.getLogger(__name__)


def order_if_wanted(job: Job) -> None:
    """For calls whose caller waits, after the answer; a page's recording has had it ordered at once."""
    if job.origin != Origin.WEB and Media.objects.filter(WANTED, pk=job.media_id, playback=Playback.PENDING).exists():
        ring(MAKE_PLAYBACK, job.media_id, at=timezone.now() + LATER)


def make(media_id: int) -> None:
    media = Media.objects.filter(pk=media_id, playback=Playback.PENDING).first()
    if media is None:
        return
    with one_at_a_time("playback") as mine:
        if mine:
            _make(media)
        else:
            ring(MAKE_PLAYBACK, media_id, at=timezone.now() + AGAIN)


def _make(media: Media) -> None:
    pending = Media.objects.filter(pk=media.pk, playback=Playback.PENDING)
    try:
        with storage.local_path(media.key) as source, storage.scratch_file() as copy:
            made = engine_gateway.make_playback(source, copy)
            storage.store(media.key, storage.PLAYBACK, copy)
    except EngineError as error:
        logger.warning("No playback copy of recording %d: %s", media.pk, error.message)
        if error.permanent:
            pending.update(playback=Playback.FAILED)
        return
    except FileNotFoundError:
        pending.update(playback=Playback.FAILED)
        return
    if not pending.update(playback=Playback.READY, peaks=made.peaks) and not Media.objects.filter(pk=media.pk).exists():
        storage.delete(media.key)


@contextmanager
def one_at_a_time(work: str) -> Iterator[bool]:
    """On a machine, so that workers are left for jobs. The lock goes with its process."""
    with (settings.RUN_DIR / f"{work}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
