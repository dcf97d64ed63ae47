from collections.abc import Callable

import pytest
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts.models import ConcurrencySlot, DailyUse, User
from accounts.services import ledger
from accounts.services.access import Caller
from engine.errors import EngineGone, MediaError, ModelsBusy, OutOfMemory
from engine.types import Event
from engine.types import Transcript as Result
from stt_site.lib import queue
from stt_site.lib.errors import ErrorCode
from tests.transcripts.conftest import expire_lease, held_mc
from tests.transcripts.stand_ins import StandInEngine, chunk, progress
from transcripts import selectors, storage
from transcripts.models import Job, JobChunk, JobState, TranscriptSegment
from transcripts.services import closing, jobs, leases, run
from transcripts.services.leases import RUN_JOB
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db


def gone(on_event: Callable[[Event], None], resumed: int) -> None:
    on_event(progress(resumed * 10.0))
    raise EngineGone("engine_gone", "The speech engine ended in the middle of its work.")


def due_now(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=job.created_at)


def test_a_job_becomes_a_transcript_and_is_charged_by_started_minutes(job: Job, user: User) -> None:
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.charged_mc, job.done_ms, job.lease_owner) == (JobState.SUCCEEDED, 1000, 30_000, "")
    document = selectors.document(job.transcript)
    assert document.text == "chunk 0 chunk 1 chunk 2"
    assert [segment.words[1].text for segment in document.segments] == ["0", "1", "2"]
    assert job.transcript.word_count == 6
    assert held_mc(user) == 0
    assert not ConcurrencySlot.objects.exists()
    assert not JobChunk.objects.exists()


def test_chunks_are_stored_while_the_engine_works(job: Job, engine: StandInEngine) -> None:
    seen: list[tuple[int, int, int]] = []

    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(progress(0.0))
        on_event(chunk(0))
        on_event(progress(12.0))
        row = Job.objects.get(pk=job.pk)
        seen.append((JobChunk.objects.count(), row.done_ms, row.attempts))
        raise EngineGone("engine_gone", "gone")

    engine.script = script
    run_job(job.pk)
    assert seen == [(1, 10_000, 0)]


def test_a_second_run_begins_behind_the_stored_chunks(job: Job, engine: StandInEngine) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        for index in range(2):
            on_event(chunk(index))
        gone(on_event, 2)

    engine.script = script
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED
    engine.script = None
    due_now(job)
    run_job(job.pk)
    job.refresh_from_db()
    assert engine.resumed_with == [0, 2]
    assert job.transcript.text == "chunk 0 chunk 1 chunk 2"
    assert TranscriptSegment.objects.count() == 3


def test_a_file_that_cannot_be_transcribed_fails_at_no_charge(job: Job, user: User, engine: StandInEngine) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        raise MediaError("decode_failed")

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.charged_mc) == (JobState.FAILED, "decode_failed", 0)
    assert "Nothing was charged." in job.error_message
    assert held_mc(user) == 0
    assert ledger.balance(user).used_this_month_mc == 0
    assert not ConcurrencySlot.objects.exists()


def test_an_anonymous_failure_does_not_count_for_the_day(
    anonymous: Caller, order: Callable[..., Order], engine: StandInEngine
) -> None:
    job = submit(order(caller=anonymous)).job
    assert DailyUse.objects.get().count == 1
    engine.script = lambda on_event, resumed: (_ for _ in ()).throw(MediaError("decode_failed"))
    run_job(job.pk)
    assert DailyUse.objects.get().count == 0


def test_an_engine_that_is_down_costs_no_attempt(job: Job, engine: StandInEngine) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        raise EngineGone("engine_gone", "The speech engine does not answer.")

    engine.script = script
    for _ in range(10):
        due_now(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert job.not_before > job.created_at
    assert queue.pending(RUN_JOB) == {job.pk}


def test_a_recording_that_kills_the_engine_is_given_up(
    job: Job, user: User, engine: StandInEngine, settings: Settings
) -> None:
    engine.script = gone
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        due_now(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "poison")
    assert len(engine.resumed_with) == settings.JOB_MAX_ATTEMPTS
    assert held_mc(user) == 0


def test_a_stored_chunk_forgives_earlier_deaths(job: Job, engine: StandInEngine, settings: Settings) -> None:
    def one_chunk_then_gone(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(chunk(resumed))
        gone(on_event, resumed)

    engine.chunks = 3 * settings.JOB_MAX_ATTEMPTS
    engine.script = one_chunk_then_gone
    for _ in range(2 * settings.JOB_MAX_ATTEMPTS):
        due_now(job)
        run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED
    assert JobChunk.objects.count() == 2 * settings.JOB_MAX_ATTEMPTS


def test_running_out_of_memory_for_good_is_not_called_poison(
    job: Job, engine: StandInEngine, settings: Settings
) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        raise OutOfMemory("out_of_memory", "The smallest batch did not fit into memory.")

    engine.script = script
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        due_now(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "engine_unavailable")


def test_a_stalled_engine_is_left_and_the_job_tried_again(job: Job, engine: StandInEngine, settings: Settings) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(progress(0.0, stalled_for=settings.JOB_STALL_SECONDS + 1))

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 1)


def test_an_engine_that_hangs_while_it_loads_a_model_is_left(
    job: Job, engine: StandInEngine, settings: Settings
) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(progress(0.0, "waiting", stalled_for=settings.MODEL_LOAD_SECONDS + 1))

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 1)


def test_a_job_whose_model_has_no_room_waits_and_loses_no_attempt(
    job: Job, engine: StandInEngine, settings: Settings
) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        raise ModelsBusy("models_busy", "No room until another model has done its work.")

    engine.script = script
    for _ in range(settings.JOB_MAX_ATTEMPTS + 1):
        due_now(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert job.not_before is not None
    assert job.not_before > job.created_at


def test_waiting_for_other_work_is_no_stall(job: Job, engine: StandInEngine, settings: Settings) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(progress(0.0, "waiting", stalled_for=settings.JOB_STALL_SECONDS + 1))

    engine.script = script
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED


def test_an_error_of_our_own_is_tried_again_and_then_said(job: Job, engine: StandInEngine, settings: Settings) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        raise RuntimeError("a defect")

    engine.script = script
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        due_now(job)
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "internal")
    assert "defect" not in job.error_message


def test_a_recording_that_is_gone_fails_with_a_sentence(job: Job) -> None:
    storage.delete(job.media.key)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "no longer on the server" in job.error_message


def test_a_cancel_stops_the_engine_and_costs_nothing(job: Job, user: User, engine: StandInEngine) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(chunk(0))
        jobs.request_cancel(job.pk)
        while True:
            on_event(progress(10.0))

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.charged_mc) == (JobState.CANCELLED, 0)
    assert held_mc(user) == 0
    assert not ConcurrencySlot.objects.exists()


def test_a_cancel_that_comes_before_the_end_wins(job: Job, user: User, engine: StandInEngine) -> None:
    engine.chunks = 0
    engine.script = lambda on_event, resumed: jobs.request_cancel(job.pk)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.charged_mc) == (JobState.CANCELLED, 0)
    assert held_mc(user) == 0


def test_a_cancel_that_comes_after_the_end_changes_nothing(job: Job) -> None:
    run_job(job.pk)
    jobs.request_cancel(job.pk)
    job.refresh_from_db()
    assert (job.state, job.charged_mc, job.cancel_requested) == (JobState.SUCCEEDED, 1000, False)


@pytest.mark.parametrize("failure", [EngineGone("engine_gone", "gone"), run.Interrupted(), OSError("disk")])
def test_a_cancel_that_meets_an_interruption_is_not_forgotten(
    job: Job, user: User, engine: StandInEngine, failure: Exception
) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        jobs.request_cancel(job.pk)
        raise failure

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert held_mc(user) == 0
    assert not ConcurrencySlot.objects.exists()


def test_a_queued_job_is_cancelled_on_the_spot(job: Job, user: User, engine: StandInEngine) -> None:
    jobs.request_cancel(job.pk)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert engine.resumed_with == []
    assert held_mc(user) == 0


def test_a_stopping_worker_gives_the_job_back_unharmed(
    job: Job, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(on_event: Callable[[Event], None], resumed: int) -> None:
        on_event(chunk(0))
        monkeypatch.setattr(run, "stopping", lambda: True)
        on_event(progress(10.0))

    engine.script = script
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease_owner) == (JobState.QUEUED, 0, "")
    assert JobChunk.objects.count() == 1
    monkeypatch.setattr(run, "stopping", lambda: False)
    engine.script = None
    run_job(job.pk)
    assert engine.resumed_with == [0, 1]
    assert Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED


def test_a_late_worker_changes_nothing(job: Job, user: User, engine: StandInEngine) -> None:
    """The first worker loses its lease in the middle; the second ends the job; then the first wakes up."""

    def first(on_event: Callable[[Event], None], resumed: int) -> None:
        expire_lease(job)
        engine.script = None
        run_job(job.pk)
        on_event(chunk(0))
        on_event(progress(10.0))

    engine.script = first
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.fence, job.charged_mc) == (JobState.SUCCEEDED, 2, 1000)
    assert job.transcript.text == "chunk 0 chunk 1 chunk 2"
    assert TranscriptSegment.objects.count() == 3
    assert ledger.balance(user).used_this_month_mc == 1000


def test_nothing_of_a_lost_lease_can_be_written(lease: leases.Lease) -> None:
    expire_lease(lease.job)
    second = leases.claim(lease.job.pk)
    assert second is not None
    assert second.fence == lease.fence + 1
    with pytest.raises(leases.LeaseLost):
        leases.store_chunk(lease, chunk(0))
    with pytest.raises(leases.LeaseLost):
        leases.renew(lease, "transcribing", 10_000, None)
    with pytest.raises(leases.LeaseLost):
        leases.check(lease)
    assert not leases.give_back(lease, burn_attempt=True)
    assert not closing.fail(lease.mine, ErrorCode.INTERNAL)
    assert not closing.cancel(lease.mine)
    assert not closing.succeed(lease, Result("late", "en", 1.0, 1.0, chunk(0).segments, "stand-in"))
    assert Job.objects.get(pk=lease.job.pk).state == JobState.RUNNING
    assert not JobChunk.objects.exists()
    assert not TranscriptSegment.objects.exists()


def test_a_job_is_claimed_once(job: Job) -> None:
    assert leases.claim(job.pk) is not None
    assert leases.claim(job.pk) is None


def test_a_worn_out_job_is_not_claimed(job: Job, settings: Settings) -> None:
    Job.objects.filter(pk=job.pk).update(attempts=settings.JOB_MAX_ATTEMPTS)
    assert leases.claim(job.pk) is None


def test_a_job_waits_for_its_time(job: Job, lease: leases.Lease) -> None:
    leases.give_back(lease, after=60, burn_attempt=True)
    assert leases.claim(job.pk) is None


def test_long_files_leave_a_worker_for_callers_who_wait(order: Callable[..., Order], settings: Settings) -> None:
    settings.WORKERS = 4
    long = [submit(order(interactive=False)).job for _ in range(3)]
    assert [leases.claim(job.pk) is not None for job in long] == [True, True, False]
    assert leases.claim(submit(order()).job.pk) is not None
    expire_lease(long[0])
    assert leases.claim(long[2].pk) is not None


def test_the_next_long_file_is_of_whoever_has_the_fewest_running(
    order: Callable[..., Order], anonymous: Caller, settings: Settings
) -> None:
    settings.WORKERS = 4
    busy = [submit(order(interactive=False)).job for _ in range(3)]
    other = submit(order(interactive=False, caller=anonymous)).job
    OrmQ.objects.all().delete()
    leases.claim(busy[0].pk)
    run_job(busy[1].pk)
    assert queue.pending(RUN_JOB) == {other.pk}
