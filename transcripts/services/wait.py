"""Waiting for a job, for callers that want the answer in the same call."""

import threading
import time
from collections.abc import Callable, Iterator

from accounts.services import limits
from stt_site.lib.db import release_connection
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import OPEN_STATES, Job, JobState
from transcripts.services import jobs, waiter
from transcripts.services.leases import slot

FIRST_POLL = 0.05
LONGEST_POLL = 0.25
RENEW_SLOT_SECONDS = 20.0


def wait_for(
    job_id: int, *, abandoned: threading.Event, timeout: float, beat: Callable[[], None] = lambda: None
) -> Job:
    """The job once it has ended. Raises as `looks` does."""
    *_, ended = looks(job_id, abandoned=abandoned, timeout=timeout, beat=beat)
    return ended


def looks(
    job_id: int, *, abandoned: threading.Event, timeout: float, beat: Callable[[], None] = lambda: None
) -> Iterator[Job]:
    """The job as it is now, again and again, the last time when it has ended. The worker rings at each chunk and
    at the end; polling covers a lost ring and other machines. Looks are few: each takes the engine's processor time.

    `beat` is called every RENEW_SLOT_SECONDS. Raises CLIENT_CLOSED_REQUEST when `abandoned` is set and
    ENGINE_UNAVAILABLE after `timeout` s; both cancel the job, and so does whoever stops looking before the end.
    """
    started = time.monotonic()
    slot_due = started + RENEW_SLOT_SECONDS
    with waiter.bell(job_id) as bell:
        while True:
            job = Job.objects.filter(pk=job_id).first()
            if job is None:
                raise ServiceError(ErrorCode.NOT_FOUND, "The transcript was deleted before it was done.")
            try:
                yield job
            except GeneratorExit:
                jobs.request_cancel(job_id)
                raise
            if job.state not in OPEN_STATES:
                return
            now = time.monotonic()
            if abandoned.is_set():
                jobs.request_cancel(job_id)
                raise ServiceError(ErrorCode.CLIENT_CLOSED_REQUEST)
            if now - started > timeout:
                jobs.request_cancel(job_id)
                message = f"There was no result within {timeout:.0f} s. Nothing was charged; retry later."
                raise ServiceError(ErrorCode.ENGINE_UNAVAILABLE, message, retry_after=60)
            if now > slot_due:
                limits.renew_slot(slot(job_id))
                beat()
                slot_due = now + RENEW_SLOT_SECONDS
            pause = min(max((now - started) / 4, FIRST_POLL), LONGEST_POLL)
            if pause == LONGEST_POLL:
                release_connection()
            bell.wait(pause)


def outcome(job: Job) -> None:
    """Raises the refusal of a job that ended without a result."""
    if job.state == JobState.SUCCEEDED:
        return
    known = job.error_code in set(ErrorCode)
    raise ServiceError(ErrorCode(job.error_code) if known else ErrorCode.INTERNAL, job.error_message or None)
