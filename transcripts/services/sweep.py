"""The net under everything that a crash can drop. Each step may run at any time, in several processes at once."""

import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Reservation
from accounts.services import (
    idempotency,
    ledger,
    limits,
    mails,
    request_log,
    sessions,
    soundness,
    stream_tokens,
    streams,
    stripe_events,
)
from stt_site.lib import queue
from stt_site.lib.errors import ErrorCode
from transcripts import storage
from transcripts.models import OPEN_STATES, Job, JobState, Media, Playback, Transcript, Upload
from transcripts.services import closing, erase, files, index, live, retention, transcripts, trash, uploads, webhooks
from transcripts.services.audit import audit
from transcripts.services.leases import NODE, RUN_JOB, job_of, waiting_fairly
from transcripts.services.playback import MAKE_PLAYBACK, WANTED
from transcripts.services.speakers import LABEL_SPEAKERS

logger = logging.getLogger(__name__)
BATCH = 500
TAKEN_GRACE = timedelta(seconds=3)
"""From the moment a message is taken to the claim it leads to."""
PLAYBACK_GRACE = timedelta(minutes=2)
PLAYBACK_GIVE_UP = timedelta(hours=6)
ORPHAN_SECONDS = 6 * 3600.0
"""Nobody writes to a file that rested this long; uploads that may be resumed have a row."""


def sweep() -> None:
    """Every SWEEP_SECONDS. One step that fails does not keep the others from running."""
    _run(
        end_cancelled,
        kill_hung_workers,
        end_worn_out,
        ring_lost_jobs,
        ring_lost_playback,
        ring_lost_labels,
        ring_lost_indexes,
        stripe_events.ring_waiting,
        mails.ring_waiting,
        live.end_abandoned,
        live.save_forgotten,
        check_ledger,
    )


def clean() -> None:
    """Every few minutes: what is old goes."""
    _run(
        transcripts.purge_expired,
        trash.purge,
        index.tidy,
        retention.remove_recordings,
        erase.finish_waiting,
        uploads.expire,
        remove_orphans,
        release_orphaned_holds,
        streams.release_abandoned,
        live.purge,
        queue.purge,
        limits.purge,
        request_log.purge,
        idempotency.purge,
        stream_tokens.purge,
        mails.purge,
        sessions.purge,
        webhooks.purge,
        stripe_events.purge,
        stripe_events.reconcile_nightly,
    )


def _run(*steps: Callable[[], object]) -> None:
    for step in steps:
        try:
            step()
        except Exception:
            logger.exception("%s failed; it is tried again.", step.__name__)


def ring_lost_labels() -> None:
    """Transcripts whose speakers are wanted and whom no message names. One that is at work is not begun twice."""
    wanted = Transcript.objects.filter(labels_wanted__isnull=False).values_list("pk", flat=True)[:BATCH]
    waiting = queue.pending(LABEL_SPEAKERS) if wanted else set()
    for pk in wanted:
        if pk not in waiting:
            queue.ring(LABEL_SPEAKERS, pk)


def ring_lost_indexes() -> None:
    _ring_lost(index.INDEX, index.due(BATCH))


def end_cancelled() -> None:
    """Jobs that were to stop and whose worker is gone."""
    for pk in _expired().filter(cancel_requested=True).values_list("pk", flat=True)[:BATCH]:
        closing.cancel(Q(pk=pk, cancel_requested=True, lease_until__lt=timezone.now()))


def end_worn_out() -> None:
    """Jobs that killed their worker too often without storing a chunk."""
    worn = Q(attempts__gte=settings.JOB_MAX_ATTEMPTS)
    for pk in _expired().filter(worn).values_list("pk", flat=True)[:BATCH]:
        if closing.fail(worn & Q(pk=pk, lease_until__lt=timezone.now()), ErrorCode.POISON):
            logger.error("Job %d stopped its worker %d times and is given up.", pk, settings.JOB_MAX_ATTEMPTS)


def kill_hung_workers() -> None:
    """A worker of this machine that has let its lease run out hangs in native code; the cluster replaces it."""
    owners = _expired().filter(lease_owner__startswith=f"{NODE}:").values_list("lease_owner", flat=True)
    for owner in owners[:BATCH]:
        pid = int(owner.split(":")[1])
        if _is_our_worker(pid):
            logger.error("Worker %d has not kept its lease and is killed.", pid)
            os.kill(pid, signal.SIGKILL)


def ring_lost_jobs() -> None:
    due = timezone.now() - TAKEN_GRACE
    waited_for = Q(state=JobState.QUEUED, not_before__lte=due, interactive=True)
    dropped = Q(state=JobState.RUNNING, lease_until__lt=timezone.now())
    urgent = Job.objects.filter(waited_for | dropped).order_by("pk").values_list("pk", flat=True)[:BATCH]
    # The others take turns, so a few of them are enough to keep every worker busy.
    others = waiting_fairly().filter(not_before__lte=due).values_list("pk", flat=True)[: settings.WORKERS]
    _ring_lost(RUN_JOB, [*urgent, *others])


def ring_lost_playback() -> None:
    now = timezone.now()
    pending = Media.objects.filter(playback=Playback.PENDING)
    pending.filter(created_at__lt=now - PLAYBACK_GIVE_UP).update(playback=Playback.FAILED)
    stale = pending.filter(WANTED, created_at__lt=now - PLAYBACK_GRACE).exclude(
        jobs__state__in=(JobState.QUEUED, JobState.RUNNING)
    )
    _ring_lost(MAKE_PLAYBACK, list(stale.order_by("pk").values_list("pk", flat=True).distinct()[:BATCH]))


def remove_orphans() -> None:
    """Files whose row was never written, or went without them."""
    before = time.time() - ORPHAN_SECONDS
    orphaned = transcripts.orphaned_media_keys(storage.local_keys(before))
    for key in orphaned - files.kept_places(orphaned):
        storage.delete(key)
    incoming = {path.name: path for path in storage.incoming_files(before)}
    for name in set(incoming) - set(Upload.objects.filter(key__in=incoming).values_list("key", flat=True)):
        incoming[name].unlink(missing_ok=True)


def release_orphaned_holds() -> None:
    """Credits held for a job that was deleted with its owner or its recording, or that ended without a closing."""
    held = Reservation.objects.filter(state=Reservation.State.HELD).order_by("created_at")
    jobs = {job: name for name in held.values_list("reference", flat=True) if (job := job_of(name)) is not None}
    # Of a job that has ended since the holds were read, the hold is closed too, and to release it changes nothing.
    for job in jobs.keys() - set(Job.objects.filter(pk__in=jobs, state__in=OPEN_STATES).values_list("pk", flat=True)):
        logger.error("Job %d is over or gone and its credits were held; they go back.", job)
        ledger.release(jobs[job])


def check_ledger() -> None:
    soundness.check_if_due(audit)


def _ring_lost(task: str, ids: list[int]) -> None:
    if not ids:
        return
    waiting = queue.pending(task)
    for pk in ids:
        if pk not in waiting:
            queue.ring(task, pk)


def _expired() -> QuerySet[Job]:
    return Job.objects.filter(state=JobState.RUNNING, lease_until__lt=timezone.now())


def _is_our_worker(pid: int) -> bool:
    """The sweeper runs beside django-q2's cluster: this process, its sentinel, the sentinel's workers."""
    return _parent(_parent(pid)) == os.getpid()


def _parent(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[1])


def loop(stopping: Callable[[], bool]) -> None:
    next_clean: datetime = timezone.now()
    while not stopping():
        sweep()
        if timezone.now() >= next_clean:
            clean()
            next_clean = timezone.now() + timedelta(minutes=5)
        end = time.monotonic() + settings.SWEEP_SECONDS
        while time.monotonic() < end and not stopping():
            time.sleep(min(0.25, settings.SWEEP_SECONDS))
