import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services.access import Caller
from stt_site.lib import queue
from tests.transcripts.conftest import Commits, expire_lease, held_mc
from transcripts import storage
from transcripts.models import Job, JobState, Media, Origin, Playback, Transcript
from transcripts.services import jobs, sweep
from transcripts.services.audit import audit
from transcripts.services.leases import RUN_JOB, Lease
from transcripts.services.playback import MAKE_PLAYBACK
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=1)


def forget_messages() -> None:
    OrmQ.objects.all().delete()


def test_a_job_whose_message_was_lost_is_rung_for_once(job: Job) -> None:
    forget_messages()
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - LONG_AGO)
    sweep.sweep()
    sweep.sweep()
    assert queue.pending(RUN_JOB) == {job.pk}
    assert OrmQ.objects.count() == 1


def test_a_message_just_taken_is_given_time(job: Job) -> None:
    forget_messages()
    sweep.sweep()
    assert queue.pending(RUN_JOB) == set()


def test_a_dead_workers_job_is_run_by_another(lease: Lease) -> None:
    forget_messages()
    expire_lease(lease.job)
    sweep.sweep()
    assert queue.pending(RUN_JOB) == {lease.job.pk}
    run_job(lease.job.pk)
    assert Job.objects.get(pk=lease.job.pk).state == JobState.SUCCEEDED


def test_a_living_worker_is_left_alone(lease: Lease) -> None:
    forget_messages()
    sweep.sweep()
    lease.job.refresh_from_db()
    assert (lease.job.state, lease.job.fence) == (JobState.RUNNING, lease.fence)
    assert queue.pending(RUN_JOB) == set()


def test_a_job_that_kills_its_workers_is_given_up(lease: Lease, user: User, settings: Settings) -> None:
    Job.objects.filter(pk=lease.job.pk).update(attempts=settings.JOB_MAX_ATTEMPTS)
    expire_lease(lease.job)
    sweep.sweep()
    lease.job.refresh_from_db()
    assert (lease.job.state, lease.job.error_code) == (JobState.FAILED, "poison")
    assert held_mc(user) == 0


def test_a_cancelled_job_ends_though_its_worker_is_dead(lease: Lease, user: User) -> None:
    jobs.request_cancel(lease.job.pk)
    expire_lease(lease.job)
    sweep.sweep()
    lease.job.refresh_from_db()
    assert lease.job.state == JobState.CANCELLED
    assert held_mc(user) == 0


def test_one_broken_step_does_not_stop_the_others(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    def end_cancelled() -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(sweep, "end_cancelled", end_cancelled)
    forget_messages()
    expire_lease(lease.job)
    sweep.sweep()
    assert queue.pending(RUN_JOB) == {lease.job.pk}


def test_a_lost_playback_copy_is_made_after_the_job(job: Job) -> None:
    run_job(job.pk)
    forget_messages()
    sweep.sweep()
    assert queue.pending(MAKE_PLAYBACK) == set()
    Media.objects.update(created_at=timezone.now() - LONG_AGO)
    sweep.sweep()
    assert queue.pending(MAKE_PLAYBACK) == {job.media_id}


def test_a_copy_that_cannot_be_made_is_given_up(job: Job) -> None:
    Media.objects.update(created_at=timezone.now() - 2 * sweep.PLAYBACK_GIVE_UP)
    sweep.sweep()
    assert Media.objects.get().playback == Playback.FAILED


def test_nobody_makes_a_copy_for_an_anonymous_call(order: Callable[..., Order], anonymous: Caller) -> None:
    job = submit(order(caller=anonymous)).job
    run_job(job.pk)
    forget_messages()
    Media.objects.update(created_at=timezone.now() - LONG_AGO)
    sweep.sweep()
    assert queue.pending(MAKE_PLAYBACK) == set()


def test_a_hold_that_outlived_its_job_goes_back(job: Job) -> None:
    """A ledger that is broken by it is sound again, without anybody's help."""
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    assert [breach.invariant for breach in audit()] == ["I5"]
    sweep.clean()
    assert audit() == []


def test_expired_results_go_with_their_files(order: Callable[..., Order], anonymous: Caller, commits: Commits) -> None:
    expired = submit(order(caller=anonymous, origin=Origin.WEB, interactive=False))
    kept = submit(order())
    Transcript.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    with commits(execute=True):
        sweep.clean()
    assert list(Transcript.objects.all()) == [kept]
    assert storage.local_keys(time.time() + 1) == {kept.media.key}


def test_files_without_a_row_go_when_they_are_old(data_dir: Path, job: Job) -> None:
    orphan = data_dir / "media" / "orphan"
    orphan.mkdir()
    leftover, fresh = (storage.incoming_path(name) for name in ("leftover.part", "fresh.part"))
    leftover.touch()
    fresh.touch()
    old = time.time() - 2 * sweep.ORPHAN_SECONDS
    for path in (orphan, leftover, data_dir / "media" / job.media.key):
        os.utime(path, (old, old))
    sweep.clean()
    assert [path.name for path in (data_dir / "media").iterdir()] == [job.media.key]
    assert [path.name for path in (data_dir / "incoming").iterdir()] == ["fresh.part"]
