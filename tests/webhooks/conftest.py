from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.transcripts.conftest import data_dir, engine  # noqa: F401
from tests.web.rows import spoken, transcript
from transcripts.models import Job, JobState, Transcript, WebhookDelivery, WebhookEndpoint
from transcripts.services import webhooks

PAUSES = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


@pytest.fixture(autouse=True)
def local_receivers(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


@pytest.fixture
def made(alice: User) -> Transcript:
    return transcript(alice, segments=[spoken("Grüße, 世界 🌍 \u2028.", 0.5)])


def end(made: Transcript, state: JobState = JobState.SUCCEEDED) -> WebhookDelivery | None:
    """As `closing` does it; returns the newest message that came of it."""
    Job.objects.filter(pk=made.job_id).update(state=state, finished_at=timezone.now())
    webhooks.tell(made.job, state)
    return WebhookDelivery.objects.order_by("-pk").first()


@pytest.fixture
def endpoint(alice: User) -> Callable[..., tuple[WebhookEndpoint, str]]:
    def make(url: str, **changes: Any) -> tuple[WebhookEndpoint, str]:
        return webhooks.create(alice, url, changes.get("events", webhooks.EVENTS))

    return make
