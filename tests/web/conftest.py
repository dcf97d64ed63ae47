from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from engine.types import EngineStatus, ModelStatus
from transcripts import engine_gateway

STATUS = EngineStatus(
    default_model="base",
    embedded=False,
    device="cpu",
    gpu_name=None,
    gpu_memory_mb=None,
    sandbox="full",
    models=(ModelStatus("base", True, False), ModelStatus("large-v3-turbo", False, False)),
)


@pytest.fixture(autouse=True)
def engine_says(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """Pages ask the engine what it has; here it answers at once."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }
    monkeypatch.setattr(engine_gateway, "status", lambda: STATUS)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(charlie: User) -> Client:
    browser = Client()
    browser.force_login(charlie)
    return browser
