"""The administration's front page: how the server is, and what its set-up still lacks."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from accounts.services import erasure
from engine.types import EngineStatus
from stt_site.lib.errors import ServiceError
from transcripts import selectors
from transcripts.models import Job, JobState

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Step:
    done: bool
    words: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Operations:
    queued: int
    oldest: datetime | None
    running: int
    workers: int
    engine: EngineStatus | None
    disk_free: int
    disk_size: int
    failures: list[tuple[str, int]]
    erasing: int
    steps: list[Step]


def operations(viewer: User) -> Operations:
    queued = Job.objects.filter(state=JobState.QUEUED)
    failed = Job.objects.filter(state=JobState.FAILED, finished_at__gte=timezone.now() - DAY)
    disk = shutil.disk_usage(settings.DATA_DIR)
    return Operations(
        queued=queued.count(),
        oldest=queued.order_by("created_at").values_list("created_at", flat=True).first(),
        running=Job.objects.filter(state=JobState.RUNNING).count(),
        workers=settings.WORKERS,
        engine=_engine(),
        disk_free=disk.free,
        disk_size=disk.total,
        failures=list(failed.values_list("error_code").annotate(number=Count("pk")).order_by("-number")[:5]),
        erasing=len(erasure.waiting()),
        steps=_steps(viewer),
    )


def _engine() -> EngineStatus | None:
    try:
        return selectors.engine_status()
    except ServiceError:
        return None


def _steps(viewer: User) -> list[Step]:
    local = urlsplit(settings.SITE_URL).hostname in ("localhost", "127.0.0.1")
    return [
        Step(bool(settings.EMAIL_HOST), "Mail is sent", "Set STT_EMAIL_HOST; until then messages go to the log."),
        Step(bool(settings.STRIPE_SECRET_KEY), "Minutes can be bought", "If they should: set STT_STRIPE_SECRET_KEY."),
        Step(settings.HTTPS, "The site is served over HTTPS", "Set STT_SITE_URL to its https:// address."),
        Step(not local, "The address is one that others can reach", "Set STT_SITE_URL."),
        Step("*" not in settings.ALLOWED_HOSTS, "Only its own host names are served", "Set STT_ALLOWED_HOSTS."),
        Step(not settings.DEBUG, "Debugging is off", "Unset STT_DEBUG."),
        Step(
            viewer.email != "admin@localhost",
            "You sign in with an address of your own",
            "Change it in your settings, or start with STT_ADMIN_EMAIL.",
        ),
        Step(is_mfa_enabled(viewer), "Your sign-in has a second step", "Turn it on in your settings."),
    ]
