from typing import ClassVar

from django.db import models

from transcripts.models.transcript import Transcript


class TranscriptInsight(models.Model):
    """What was made of a version's text, kept so that nobody waits for it twice. `rev` is the transcript's of then:
    a lower one means that it was made before the last edits."""

    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="insights")
    version = models.PositiveIntegerField()
    rev = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    variant = models.CharField("style, language, or the hash of a prompt", max_length=64, blank=True)
    value = models.JSONField()
    model = models.CharField("who made it", max_length=200)
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transcript", "version", "kind", "variant"], name="one_insight_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of transcript {self.transcript_id}"
