"""What search and chat look into: transcripts as they are shown, cut into passages (docs/decisions/0019)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from transcripts.models.transcript import Transcript


class Index(models.Model):
    """Whether the passages of a transcript are as it stands now. `stamp` changes with them, so that what a process
    keeps of them is known to be old."""

    transcript = models.OneToOneField(Transcript, models.CASCADE, primary_key=True, related_name="index")
    due_at = models.DateTimeField("from when on it is to be made anew; null: it is as it should be", null=True)
    stamp = models.CharField(max_length=10, blank=True)
    failures = models.PositiveIntegerField("since it was last made", default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="index_due", condition=Q(due_at__isnull=False))]
        verbose_name_plural = "indexes"

    def __str__(self) -> str:
        return f"index of transcript {self.transcript_id}"


class Passage(models.Model):
    """Some sentences in a row. `parts` are its segments: [place in the document, start in seconds, first letter in
    `text`, speaker]. `terms` is what the full-text index of the database is kept from, by triggers or a generated
    column (transcripts/full_text_schema.py)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="passages")
    version = models.PositiveIntegerField()
    order = models.PositiveIntegerField()
    start = models.FloatField()
    end = models.FloatField()
    speaker = models.CharField("who says most of it", max_length=100, blank=True)
    language = models.CharField(max_length=8, blank=True)
    text = models.TextField()
    parts = models.JSONField(default=list)
    terms = models.TextField()
    embedding = models.BinaryField("a vector a part, unit length, float16; null: not made yet", null=True)

    class Meta:
        ordering = ("transcript", "order")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transcript", "order"], name="one_passage_a_place"),
        ]

    def __str__(self) -> str:
        return f"{self.transcript_id}/{self.order}"

    def said(self) -> list[str]:
        """The text of each part."""
        starts = [part[2] for part in self.parts]
        ends = [*(start - 1 for start in starts[1:]), len(self.text)]
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]
