from django.db import models

from transcripts.models.transcript import Transcript


class Share(models.Model):
    """A link by which anybody may look at a transcript. Its token is not stored: it is signed from `key`."""

    key = models.CharField(max_length=16, unique=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="shares")
    text = models.BooleanField("the words can be read", default=True)
    audio = models.BooleanField("the recording can be heard", default=True)
    downloads = models.BooleanField("what is shown can be taken away", default=False)
    password = models.CharField("hashed; empty: none is asked", max_length=128, blank=True)
    expires_at = models.DateTimeField("never, where there is none", null=True)
    views = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"share {self.key} of transcript {self.transcript_id}"
