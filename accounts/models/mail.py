from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Mail(models.Model):
    """A message to an account, written down with what it tells of and sent by a worker, once."""

    class Kind(models.TextChoices):
        FREE_LOW = "free_low"
        FREE_USED = "free_used"
        PAID_LOW = "paid_low"
        TRANSCRIPT_READY = "transcript_ready"
        WEBHOOK_FAILED = "webhook_failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    about = models.CharField("a month such as 2026-11, or a transcript's public name", max_length=64)
    context = models.JSONField("for the templates", default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField("null: it was sent, or is given up", null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind", "about"], name="one_mail_a_matter"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], name="mails_to_send", condition=Q(next_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} about {self.about}"
