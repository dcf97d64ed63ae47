from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from stt_site.lib import doorbell
from tests.transcripts.conftest import data_dir, engine  # noqa: F401
from transcripts.models import Job, JobState
from transcripts.services.run import run_job


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does the queued work while the request waits for it."""

    def work(bell: doorbell.Doorbell, seconds: float) -> bool:
        for job in Job.objects.filter(state=JobState.QUEUED):
            run_job(job.pk)
        return True

    monkeypatch.setattr(doorbell.Doorbell, "wait", work)


@pytest.fixture
def keyed(alice_key: str) -> Client:
    """Alice's program."""
    return Client(headers={"Authorization": f"Bearer {alice_key}"}, raise_request_exception=False)


@pytest.fixture
def anonymous(db: None) -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser, which has to send its CSRF token."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    return client


def transcribe(client: Client, **fields: Any) -> Any:
    file = SimpleUploadedFile("talk.wav", b"RIFF", "audio/wav")
    return client.post("/v1/transcribe", {"file": file, **fields})
