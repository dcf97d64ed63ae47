from typing import ClassVar

from django.conf import settings
from django.db import models

from transcripts.models.transcript import Transcript


class LiveStream(models.Model):
    """A live session, as far as another process must know it: to take it up again, to end it, to charge for it.

    The process that serves it writes `received_ms` and `needed` every few seconds. Ended streams are kept for a day, in
    which they can be saved as a transcript.
    """

    public_id = models.CharField("ls_ and ten characters", max_length=16, unique=True)
    token_hash = models.CharField("of what resumes it", max_length=64, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="live_streams")
    caller = models.CharField("whom limits count: user:ID or ip:PREFIX", max_length=64)
    api_key_id = models.BigIntegerField(null=True)
    is_test = models.BooleanField(default=False)
    config = models.JSONField("what the client asked for")
    tariff = models.JSONField("accounts.services.tariffs.Tariff")
    model = models.CharField(max_length=64, blank=True)

    fence = models.PositiveIntegerField("raised by each process that takes it up", default=0)
    received_ms = models.BigIntegerField("audio taken in", default=0)
    needed = models.BigIntegerField("sample from which on nothing is final yet, at 16 kHz", default=0)
    charged_mc = models.BigIntegerField("millicredits charged", default=0)
    transcript = models.OneToOneField(Transcript, models.SET_NULL, null=True, related_name="live_stream")

    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField("when its process last wrote")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ended_at", "seen_at"])]

    def __str__(self) -> str:
        return self.public_id

    @property
    def slot(self) -> str:
        """The name that it goes by in limits."""
        return f"ws:{self.public_id}"


class LiveFinal(models.Model):
    """Text that was said to the client and never changes; `segment` is an engine.types.Segment."""

    stream = models.ForeignKey(LiveStream, models.CASCADE, related_name="finals")
    seq = models.PositiveIntegerField()
    segment = models.JSONField()

    class Meta:
        ordering = ("seq",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["stream", "seq"], name="one_final_a_place")]

    def __str__(self) -> str:
        return f"{self.stream_id}/{self.seq}"
