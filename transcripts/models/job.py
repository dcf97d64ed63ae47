from typing import ClassVar

from django.conf import settings
from django.db import models

from transcripts.models.media import Media


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Origin(models.TextChoices):
    WEB = "web"
    API = "api"
    LIVE = "live"


class Job(models.Model):
    """One run of the engine over one recording. This row, not the queue, says what is to be done.

        queued ──claim──▶ running ──close──▶ succeeded | failed | cancelled
          ▲                  │
          └── lease over ────┘

    A claim raises `fence` and `attempts` and takes a lease; every later write of that worker is conditional on
    the fence, so a worker that lost its lease changes nothing. `attempts` counts claims since the last chunk was
    stored: a run that moves may be interrupted often, one that never moves is given up. Terminal states never leave.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs")
    caller = models.CharField("whom limits count: user:ID or ip:PREFIX", max_length=64, db_index=True)
    media = models.ForeignKey(Media, models.CASCADE, related_name="jobs")
    origin = models.CharField(max_length=4, choices=Origin)
    interactive = models.BooleanField("a caller waits for the answer", default=False)
    options = models.JSONField("engine.types.Options")
    tariff = models.JSONField("accounts.services.tariffs.Tariff", default=dict)

    state = models.CharField(max_length=9, choices=JobState, default=JobState.QUEUED)
    phase = models.CharField(max_length=16, default="waiting")
    done_ms = models.BigIntegerField("audio transcribed", default=0)
    total_ms = models.BigIntegerField(null=True)

    attempts = models.PositiveIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField()
    cancel_requested = models.BooleanField(default=False)

    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    reserved_mc = models.BigIntegerField("millicredits held", default=0)
    charged_mc = models.BigIntegerField("millicredits charged", default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "not_before"])]

    def __str__(self) -> str:
        return f"job {self.pk} {self.state}"


class JobChunk(models.Model):
    """A checkpoint: `result` is an engine.types.Chunk. Written once, under the fence of its time."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="chunks")
    index = models.PositiveIntegerField()
    fence = models.BigIntegerField()
    result = models.JSONField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "index"], name="one_result_a_chunk")]

    def __str__(self) -> str:
        return f"chunk {self.index} of job {self.job_id}"
