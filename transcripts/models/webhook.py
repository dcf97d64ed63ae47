from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from transcripts.models.transcript import Transcript


class WebhookEndpoint(models.Model):
    """An address of the owner's that hears what becomes of transcripts."""

    class Off(models.TextChoices):
        """Why nothing is sent to it."""

        ON = ""
        OWNER = "owner"
        GONE = "gone", "it answered 410"
        FAILING = "failing", "it took nothing for days"

    public_id = models.CharField("ep_ and ten characters", max_length=16, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2048)
    events = models.JSONField(default=list)
    secret = models.TextField("encrypted")
    previous_secret = models.TextField("encrypted; signs as well until previous_until", blank=True)
    previous_until = models.DateTimeField(null=True)
    off = models.CharField(max_length=8, choices=Off, default=Off.ON, blank=True)
    failing_since = models.DateTimeField("since when nothing was taken", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One message to one receiver, until it is taken or given up. Each try carries the same id and the same bytes.

        waiting ──the job ends──▶ pending ──2xx──▶ delivered
                                   │  ▲
                                   └──┴──tries used up──▶ dead ──replay──▶ pending

    A try begins with a lease and raises `attempts`; its outcome is written only under that number, so a sender that
    was killed or slept costs a try and never the message.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "for the end of its transcript's job"
        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"

    public_id = models.CharField("msg_ and 22 characters; the header webhook-id", max_length=32, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, null=True, related_name="deliveries")
    transcript = models.ForeignKey(Transcript, models.CASCADE, null=True, related_name="+")
    event = models.CharField(max_length=32)
    url = models.CharField("of one request; else the endpoint's", max_length=2048, blank=True)
    receiver = models.CharField("whom too many tries at once would hurt", max_length=300)
    renderer = models.CharField("dotted path of what makes the body", max_length=200)
    context = models.JSONField("for the renderer", default=dict)
    body = models.BinaryField("made at the first try and sent as it is ever after", null=True)

    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField("since it was made or replayed", default=0)
    tries = models.PositiveIntegerField("ever", default=0)
    next_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar = [
            models.Index(fields=["receiver", "next_at"], name="webhooks_due", condition=Q(state="pending")),
            models.Index(fields=["owner", "-id"], name="webhooks_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.public_id}"


class WebhookAttempt(models.Model):
    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="history")
    number = models.PositiveIntegerField("of the delivery's tries")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField("null: no answer", null=True)
    error = models.CharField(max_length=200, blank=True)
    answer = models.TextField("the first kilobyte of it", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "number"], name="one_webhook_attempt_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.status or self.error}"
