"""One job from claim to end: the engine works, this thread keeps the lease, the progress and the checkpoints."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Literal, TypeVar

from django.conf import settings
from django.db.models import Q

from accounts.services.tariffs import Tariff
from engine.errors import EngineError, EngineGone, ModelsBusy
from engine.types import Chunk, Event, KnownSpeaker, Options, Progress, Transcript, chunk_from_dict, options_from_dict
from stt_site.lib.cluster import stopping
from stt_site.lib.db import UNREACHABLE, persist
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway, storage
from transcripts.models import Job
from transcripts.services import closing, leases, playback
from transcripts.services.leases import Lease, LeaseLost

T = TypeVar("T")
logger = logging.getLogger(__name__)
CHECK_SECONDS = 0.5
RENEW_SECONDS = 2.0
"""Progress is written this often at most; the lease is kept every sixth of its time at least."""
RETRY_SECONDS = 1.0
BUSY_SECONDS = 15.0
"""How long a job waits whose model has no room beside those at work."""
POISON_CODES = {"engine_gone", "stalled"}


class Interrupted(Exception):
    """This process was asked to stop: put the work down where it is."""


class Stalled(EngineError):
    permanent = False

    def __init__(self, seconds: float) -> None:
        super().__init__("stalled", f"The engine made no progress for {seconds:.0f} s.")


def run_job(job_id: int) -> None:
    lease = leases.claim(job_id)
    if lease is None:
        return
    try:
        if _run(lease):
            playback.order_if_wanted(lease.job)
    finally:
        if not lease.job.interactive and not stopping():
            leases.ring_next()


def _run(lease: Lease) -> bool:
    """Has the job succeeded?"""
    watch = Watch(lease)
    try:
        result = _transcribe(lease, watch)
        return _persist(lambda: closing.succeed(lease, result)) or _cancelled(lease)
    except LeaseLost:
        _cancelled(lease)
    except Interrupted:
        _put_down(lease)
    except EngineError as error:
        _after_engine_error(lease, watch, error)
    except FileNotFoundError:
        message = "The recording is no longer on the server. Nothing was charged; send it again."
        _persist(lambda: closing.fail(lease.mine, ErrorCode.INTERNAL, message))
    except Exception:
        logger.exception("Job %d failed in attempt %d.", lease.job.pk, lease.job.attempts)
        _try_again(lease, ErrorCode.INTERNAL, None)
    return False


def _cancelled(lease: Lease) -> Literal[False]:
    _persist(lambda: closing.cancel(Q(lease.mine, cancel_requested=True)))
    return False


def _put_down(lease: Lease, after: float = 0.0) -> None:
    """Not the recording's fault: the attempt does not count."""
    if not _persist(lambda: leases.give_back(lease, after=after, burn_attempt=False)):
        _cancelled(lease)


class Watch:
    """What the engine calls at least once a second while it works for a claim."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._chunk: Chunk | None = None
        self._phase = "waiting"
        self._done_ms = lease.job.done_ms
        self._total_ms = lease.job.total_ms
        now = time.monotonic()
        self._renew_every = min(RENEW_SECONDS, settings.JOB_LEASE_SECONDS / 6)
        self._next_check = now + CHECK_SECONDS
        self._next_renewal = now + self._renew_every
        self._lease_ends = now + settings.JOB_LEASE_SECONDS
        self.engine_began = False

    def __call__(self, event: Event) -> None:
        self.store_chunk()
        if stopping():
            raise Interrupted
        if isinstance(event, Chunk):
            # Kept for the next event, a second away at most: of a short job this saves the only checkpoint.
            self._chunk = event
            self._done_ms = int(event.end * 1000)
        else:
            self._note(event)
        self._beat()

    def store_chunk(self) -> None:
        if self._chunk is not None:
            chunk, self._chunk = self._chunk, None
            _persist(lambda: leases.store_chunk(self._lease, chunk))

    def _note(self, progress: Progress) -> None:
        patience = settings.MODEL_LOAD_SECONDS if progress.phase == "waiting" else settings.JOB_STALL_SECONDS
        if progress.stalled_for > patience:
            raise Stalled(progress.stalled_for)
        self.engine_began = self.engine_began or progress.phase != "waiting"
        self._phase = progress.phase
        self._done_ms = max(self._done_ms, int(progress.done * 1000))
        if progress.total is not None:
            self._total_ms = int(progress.total * 1000)

    def _beat(self) -> None:
        now = time.monotonic()
        try:
            if now >= self._next_renewal:
                self._next_check = now + CHECK_SECONDS
                leases.renew(self._lease, self._phase, self._done_ms, self._total_ms)
                self._next_renewal = now + self._renew_every
                self._lease_ends = now + settings.JOB_LEASE_SECONDS
            elif now >= self._next_check:
                self._next_check = now + CHECK_SECONDS
                leases.check(self._lease)
        except UNREACHABLE:
            if now > self._lease_ends:
                raise LeaseLost from None
            logger.warning("The database does not answer; job %d goes on.", self._lease.job.pk)


def _transcribe(lease: Lease, watch: Watch) -> Transcript:
    chunks = [chunk_from_dict(row.result) for row in leases.stored_chunks(lease)]
    options = replace(options_from_dict(lease.job.options), tenant=lease.job.caller)
    with ExitStack() as files:
        source = files.enter_context(storage.local_path(lease.job.media.key))
        options = replace(options, known_speakers=tuple(_with_clips(lease, options, files)))
        try:
            return engine_gateway.transcribe(source, options, on_event=watch, resume=chunks)
        except EngineError:
            watch.store_chunk()
            raise


def _with_clips(lease: Lease, options: Options, files: ExitStack) -> Iterator[KnownSpeaker]:
    for known in options.known_speakers:
        clip = files.enter_context(storage.local_path(lease.job.media.key, known.clip))
        yield replace(known, clip=str(clip))


def _after_engine_error(lease: Lease, watch: Watch, error: EngineError) -> None:
    logger.warning("Job %d: %s (%s)", lease.job.pk, error.message, error.code)
    if error.permanent:
        refusal = _too_long(lease.job) if error.code == "media_too_long" else engine_gateway.refusal(error)
        _persist(lambda: closing.fail(lease.mine, refusal.code, refusal.message))
    elif isinstance(error, ModelsBusy):
        _put_down(lease, after=BUSY_SECONDS)
    elif isinstance(error, EngineGone) and not watch.engine_began:
        # The engine was down, not brought down: this recording is not to blame.
        _put_down(lease, after=2 * RETRY_SECONDS)
    elif error.code in POISON_CODES:
        _try_again(lease, ErrorCode.POISON, None)
    else:
        refusal = engine_gateway.refusal(error)
        _try_again(lease, refusal.code, refusal.message)


def _too_long(job: Job) -> ServiceError:
    seconds = options_from_dict(job.options).max_seconds or settings.MAX_AUDIO_SECONDS
    if seconds >= settings.MAX_AUDIO_SECONDS:
        message = f"The audio is longer than {settings.MAX_AUDIO_SECONDS / 3600:g} hours. Nothing was charged."
        return ServiceError(ErrorCode.MEDIA_TOO_LONG, message)
    if job.reserved_mc and job.reserved_mc >= Tariff(**job.tariff).price_mc(round(seconds * 1000)):
        message = (
            f"The audio is longer than {seconds / 3600:g} hours, the most that this API takes. Nothing was charged."
        )
        return ServiceError(ErrorCode.MEDIA_TOO_LONG, message)
    if job.media.declared_ms is None:
        message = (
            f"The audio is longer than the {seconds / 60:.0f} minutes that your credits cover. Nothing was charged."
        )
        return ServiceError(ErrorCode.INSUFFICIENT_CREDITS, message)
    message = (
        f"The audio is longer than its header says: {seconds / 60:.0f} minutes were held for it. Nothing was charged. "
        "Save the recording anew with any audio program and send that."
    )
    return ServiceError(ErrorCode.MEDIA_TOO_LONG, message)


def _try_again(lease: Lease, code: ErrorCode, message: str | None) -> None:
    """Queue the job once more, or end it with `code` when it has died too often without storing a chunk."""

    def again() -> bool:
        worn_out = Q(lease.mine, attempts__gte=settings.JOB_MAX_ATTEMPTS)
        return closing.fail(worn_out, code, message) or leases.give_back(lease, after=RETRY_SECONDS, burn_attempt=True)

    if not _persist(again):
        _cancelled(lease)


def _persist(write: Callable[[], T]) -> T:
    return persist(write, patience=settings.JOB_LEASE_SECONDS)
