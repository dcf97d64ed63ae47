from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import ledger, plans
from accounts.services.access import Caller
from engine.types import Options
from stt_site.lib.ids import new_id
from tests.transcripts.stand_ins import StandInEngine
from transcripts import engine_gateway, storage
from transcripts.models import Job, Origin, Transcript
from transcripts.services import leases
from transcripts.services.leases import Lease
from transcripts.services.submit import Order, StoredUpload, submit

Commits = Callable[..., AbstractContextManager[list[Callable[..., object]]]]
"""pytest-django's `django_capture_on_commit_callbacks`: what would follow a commit happens when the block ends."""


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Commits) -> Commits:
    return django_capture_on_commit_callbacks


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.RUN_DIR = tmp_path / "run"
    settings.RUN_DIR.mkdir()
    settings.WORKER_DOORBELL = settings.RUN_DIR / "worker.sock"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(tmp_path / "media")}},
    }
    settings.DISK_RESERVE_BYTES = 0
    return tmp_path


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> StandInEngine:
    stand_in = StandInEngine()
    monkeypatch.setattr(engine_gateway, "engine", lambda: stand_in)
    monkeypatch.setattr(engine_gateway, "_status", None)
    return stand_in


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("owner@example.org")


@pytest.fixture
def caller(user: User) -> Caller:
    return Caller(user, None, "192.0.2.1", plans.plan_of(user))


@pytest.fixture
def anonymous(db: None) -> Caller:
    return Caller(None, None, "192.0.2.7", plans.plan_of(None))


@pytest.fixture
def upload() -> Callable[[], StoredUpload]:
    def make(name: str = "talk.wav", body: bytes = b"RIFF") -> StoredUpload:
        path = storage.incoming_path(new_id(22))
        path.write_bytes(body)
        return StoredUpload(path, name, len(body), "0" * 64)

    return make


@pytest.fixture
def order(caller: Caller, upload: Callable[..., StoredUpload]) -> Callable[..., Order]:
    def make(**changes: Any) -> Order:
        values: dict[str, Any] = {
            "caller": caller,
            "upload": changes.get("upload") or upload(),
            "options": Options(),
            "origin": Origin.API,
            "interactive": True,
        }
        return Order(**{**values, **changes})

    return make


@pytest.fixture
def transcript(order: Callable[..., Order]) -> Transcript:
    """Of a queued job, which holds one minute."""
    return submit(order())


@pytest.fixture
def job(transcript: Transcript) -> Job:
    return transcript.job


@pytest.fixture
def lease(job: Job) -> Lease:
    lease = leases.claim(job.pk)
    assert lease is not None
    return lease


def expire_lease(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def held_mc(user: User) -> int:
    return ledger.balance(user).held_mc
