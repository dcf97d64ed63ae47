"""The layer of people's corrections over what a run of the engine gave (docs/decisions/0015)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from transcripts.models.job import Job
from transcripts.models.transcript import Transcript


class Version(models.Model):
    """One run over the recording and what people made of it. A transcript that was never edited or run again has no
    row: it is its own version 1.

    `shown` keeps what the transcript's own columns said of this version while another one is shown.
    `head` is the last edit that is in force, `undone` those that may be done again, the next one last.
    """

    class Kind(models.TextChoices):
        RUN = "run"
        LABELS = "labels"

    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.RUN)
    job = models.ForeignKey(Job, models.CASCADE, related_name="versions")
    shown = models.JSONField(null=True)
    born = models.PositiveIntegerField("the transcript's `rev` when it was first shown: that of its turns", default=0)
    head = models.PositiveIntegerField(default=0)
    undone = models.JSONField(default=list)
    next_key = models.PositiveIntegerField("of a new turn; null: there are no rows of turns yet", null=True)
    speakers = models.JSONField("[number, name] of each", default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["transcript", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"version {self.number} of transcript {self.transcript_id}"


class Turn(models.Model):
    """One voice's paragraph, as it is to be shown. `segments` is what `services/editing/turns.py` packs; the other
    columns repeat what a page and a search need of it. `rev` is the number of the edit that last touched it."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="turns")
    key = models.PositiveIntegerField()
    place = models.BigIntegerField("orders the turns; below 2**53, so that JavaScript can count it")
    speaker = models.PositiveIntegerField(null=True)
    rev = models.PositiveIntegerField(default=0)
    start = models.FloatField()
    end = models.FloatField()
    language = models.CharField(max_length=8, blank=True)
    text = models.TextField(blank=True)
    segments = models.JSONField(default=list)

    class Meta:
        ordering = ("place",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "key"], name="one_turn_a_key"),
            models.UniqueConstraint(fields=["version", "place"], name="one_turn_a_place"),
        ]

    def __str__(self) -> str:
        return f"turn {self.key} of {self.version_id}"


class Edit(models.Model):
    """One step of the history, never changed. `changes` is what `services/editing/changes.py` packs: the touched parts
    of the touched turns before and after, so that it can be taken back exactly. `base` is the edit it stands on."""

    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="edits")
    version = models.ForeignKey(Version, models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField("the transcript's `rev` with it")
    kind = models.CharField(max_length=16)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    key = models.CharField("Idempotency-Key", max_length=64, blank=True)
    changes = models.JSONField()
    base = models.PositiveIntegerField()
    target = models.PositiveIntegerField("the edit that it takes back or does again", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transcript", "number"], name="one_edit_a_number"),
            models.UniqueConstraint(fields=["transcript", "key"], condition=~Q(key=""), name="one_edit_a_key"),
        ]

    def __str__(self) -> str:
        return f"edit {self.number} of transcript {self.transcript_id}: {self.kind}"


class Tag(models.Model):
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=50, db_index=True)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["transcript", "name"], name="one_tag_a_name")]

    def __str__(self) -> str:
        return self.name
