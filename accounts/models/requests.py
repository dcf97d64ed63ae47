"""What is kept of requests: a line each, the answers to those that may be repeated, and tokens for the stream."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class RequestLog(models.Model):
    """One API request of an account. Lines are written in batches, so they come without the databases' constraints:
    an account or a key that went meanwhile must not cost the other lines."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="request_log", db_constraint=False, db_index=False
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, related_name="request_log", db_constraint=False, db_index=False
    )
    at = models.DateTimeField("when it began", db_index=True)
    method = models.CharField(max_length=10)
    endpoint = models.CharField("the address with names for its parts", max_length=200)
    status = models.PositiveSmallIntegerField()
    request_id = models.CharField("X-Request-Id of the answer", max_length=32)
    duration_ms = models.PositiveIntegerField()
    transcript_id = models.BigIntegerField(null=True)
    charged_mc = models.BigIntegerField("millicredits", null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-id"]), models.Index(fields=["api_key", "-id"])]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} {self.status}"


class IdempotentRequest(models.Model):
    """A POST that was accepted, under the name that its sender gave it. Written in the transaction that accepts."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="idempotent_requests")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=200)
    fingerprint = models.CharField("SHA-256 of what was asked, hex", max_length=64)
    reference = models.CharField("what was accepted, such as transcript:12", max_length=100, db_index=True)
    status = models.PositiveSmallIntegerField("of the answer; null while there is none", null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField("the answer's, deflated", default=b"")
    locked_until = models.DateTimeField("somebody works on the answer until then")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="one_request_a_key")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status or 'in flight'}"


class StreamToken(models.Model):
    """Opens one stream, once. Only its hash is stored."""

    token_hash = models.CharField("HMAC-SHA256 under the pepper, hex", max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    api_key = models.ForeignKey("accounts.ApiKey", models.CASCADE, null=True, related_name="+")
    max_seconds = models.PositiveIntegerField("of audio")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"stream token {self.pk}"
