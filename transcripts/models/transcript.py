from typing import ClassVar

from django.conf import settings
from django.db import models

from transcripts.models.job import Job
from transcripts.models.media import Media


class Transcript(models.Model):
    """What a person or program asked for; there from the moment the job is accepted, its text when the job is done."""

    public_id = models.CharField("tr_ and ten characters", max_length=16, unique=True)
    slug = models.SlugField(max_length=80, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="transcripts")
    view_token = models.CharField("opens an anonymous result", max_length=43, blank=True, db_index=True)
    media = models.ForeignKey(Media, models.CASCADE, related_name="transcripts")
    job = models.OneToOneField(Job, models.CASCADE, related_name="transcript")
    title = models.CharField(max_length=200)

    text = models.TextField("as the engine gave it, of the current version", blank=True)
    language = models.CharField(max_length=8, blank=True)
    language_probability = models.FloatField(default=0)
    duration_ms = models.BigIntegerField(null=True)
    model = models.CharField(max_length=64, blank=True)
    word_count = models.PositiveIntegerField(default=0)
    speakers = models.JSONField(default=list)
    coverage = models.FloatField(null=True)
    suspect_spans = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    turns = models.JSONField("{start, end, speaker}, in order", default=list)
    labels_wanted = models.JSONField("speakers are to be told apart (again), and how", null=True)
    snr_db = models.FloatField("speech over noise", null=True)
    detection = models.JSONField("engine.types.LanguageDetection", default=dict)

    version = models.PositiveIntegerField("number of the version that is shown", default=1)
    rev = models.PositiveIntegerField("goes up with all that changes what is shown", default=0)
    edited_at = models.DateTimeField("null: what is shown is as the engine gave it", null=True)
    trashed_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at", "-id"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["trashed_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def reference(self) -> str:
        """Its name where no foreign key can point."""
        return f"transcript:{self.pk}"


class TranscriptSegment(models.Model):
    """What a run of the engine gave, never changed: corrections are a layer over it (transcripts/models/document.py).
    `words` is a list of {text, start, end, probability}; times are float seconds."""

    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="segments")
    version = models.PositiveIntegerField("number of the version that it is of", default=1)
    order = models.PositiveIntegerField()
    start = models.FloatField()
    end = models.FloatField()
    text = models.TextField()
    speaker = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=8, blank=True)
    avg_logprob = models.FloatField(default=0)
    no_speech_prob = models.FloatField(default=0)
    compression_ratio = models.FloatField(default=1)
    temperature = models.FloatField(default=0)
    words = models.JSONField(default=list)
    chunk = models.PositiveIntegerField("checkpoint it came with", default=0)
    tokens = models.JSONField("of the recogniser's vocabulary", default=list)

    class Meta:
        ordering = ("order",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transcript", "version", "order"], name="one_segment_a_place"),
        ]

    def __str__(self) -> str:
        return self.text
