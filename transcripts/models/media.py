from typing import ClassVar

from django.conf import settings
from django.db import models


class Playback(models.TextChoices):
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class Media(models.Model):
    """A recording as it was sent, and the browser's copy of it. `key` names its private directory in storage."""

    key = models.CharField(max_length=32, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="media")
    filename = models.CharField("the sender's name for it", max_length=255)
    size = models.BigIntegerField("bytes")
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=64)
    has_video = models.BooleanField(default=False)
    declared_ms = models.BigIntegerField("what the container claims", null=True)
    duration_ms = models.BigIntegerField("what decoding found", null=True)
    playback = models.CharField(max_length=8, choices=Playback, default=Playback.PENDING)
    peaks = models.BinaryField("0..255, evenly spaced", default=bytes)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField("when its files went by its owner's wish", null=True)

    def __str__(self) -> str:
        return f"{self.filename} ({self.key})"


class Upload(models.Model):
    """A resumable upload that is not complete yet (tus 1.0: creation, expiration, termination)."""

    key = models.CharField(max_length=32, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255)
    size = models.BigIntegerField("bytes in all")
    offset = models.BigIntegerField("bytes safely on disk", default=0)
    locked_until = models.DateTimeField(null=True)
    lock = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.filename} {self.offset}/{self.size}"
