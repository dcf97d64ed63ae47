import threading

import pytest
from pytest_django.fixtures import Settings

from accounts.services import limits
from stt_site.lib import doorbell
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.conftest import Commits
from transcripts.models import Job, JobState
from transcripts.services import wait, waiter
from transcripts.services.run import run_job
from transcripts.services.wait import outcome, wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    """A worker that does its work while the waiter listens."""

    def work(bell: doorbell.Doorbell, seconds: float) -> bool:
        run_job(job.pk)
        return True

    monkeypatch.setattr(doorbell.Doorbell, "wait", work)


def test_the_ended_job_comes_back(job: Job, working: None) -> None:
    ended = wait_for(job.pk, abandoned=threading.Event(), timeout=60)
    assert ended.state == JobState.SUCCEEDED
    outcome(ended)


def test_the_end_of_a_job_rings_its_waiter(job: Job, settings: Settings, commits: Commits) -> None:
    with waiter.bell(job.pk) as bell:
        assert not bell.wait(0.001)
        with commits(execute=True):
            run_job(job.pk)
        assert bell.wait(0.001)
    assert list(settings.RUN_DIR.glob("job-*")) == []


def test_a_caller_who_leaves_cancels_and_pays_nothing(job: Job) -> None:
    abandoned = threading.Event()
    abandoned.set()
    with pytest.raises(ServiceError) as caught:
        wait_for(job.pk, abandoned=abandoned, timeout=60)
    assert caught.value.code is ErrorCode.CLIENT_CLOSED_REQUEST
    job.refresh_from_db()
    assert (job.state, job.charged_mc) == (JobState.CANCELLED, 0)


def test_waiting_has_an_end(job: Job) -> None:
    with pytest.raises(ServiceError) as caught:
        wait_for(job.pk, abandoned=threading.Event(), timeout=0)
    assert caught.value.code is ErrorCode.ENGINE_UNAVAILABLE
    assert caught.value.retry_after
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED


def test_a_deleted_job_is_not_waited_for(job: Job) -> None:
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(ServiceError) as caught:
        wait_for(job.pk, abandoned=threading.Event(), timeout=60)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_a_failure_is_told_in_its_own_words() -> None:
    job = Job(state=JobState.FAILED, error_code="decode_failed", error_message="The file is damaged.")
    with pytest.raises(ServiceError, match="The file is damaged") as caught:
        outcome(job)
    assert caught.value.code is ErrorCode.DECODE_FAILED


def test_the_slot_is_kept_while_a_caller_waits(job: Job, working: None, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[str] = []
    monkeypatch.setattr(wait, "RENEW_SLOT_SECONDS", -1.0)
    monkeypatch.setattr(limits, "renew_slot", renewed.append)
    wait_for(job.pk, abandoned=threading.Event(), timeout=60)
    assert f"job:{job.pk}" in renewed
