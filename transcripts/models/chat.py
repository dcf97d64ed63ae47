"""Questions that a user asked about transcripts, and what was answered from them."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from transcripts.models.transcript import Transcript


class ChatSession(models.Model):
    """One conversation of one user. Without `transcripts`, it is about all that the user has."""

    public_id = models.CharField("cs_ and 22 characters", max_length=32, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_sessions")
    everything = models.BooleanField("about all transcripts, also those to come", default=False)
    transcripts = models.ManyToManyField(Transcript, related_name="chat_sessions")
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField("last")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["owner", "-asked_at", "-id"])]

    def __str__(self) -> str:
        return self.public_id


class ChatTurn(models.Model):
    """A question with its answer. `sources` is what the answer rests on, best first (services/chat.py, Source);
    `quoted` are the transcripts whose words they are, with which the turn goes."""

    session = models.ForeignKey(ChatSession, models.CASCADE, related_name="turns")
    question = models.TextField()
    answer = models.TextField()
    sources = models.JSONField(default=list)
    quoted = models.ManyToManyField(Transcript, related_name="+")
    model = models.CharField("who wrote the answer; empty: the recording's own words", max_length=128, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.question
