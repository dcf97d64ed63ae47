from typing import ClassVar

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """What is stored of `stt_<mode>_<key_id>_<secret>_<checksum>`: never enough to make the key again."""

    class Mode(models.TextChoices):
        LIVE = "live"
        TEST = "test"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.LIVE)
    key_id = models.CharField("its public part, ten characters", max_length=10, unique=True)
    secret_hash = models.CharField("HMAC-SHA256 of the secret under the pepper, hex", max_length=64)
    last_four = models.CharField(max_length=4)
    scopes = models.JSONField(default=list)
    monthly_minutes = models.PositiveIntegerField("the most it may spend in a UTC month", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField("last used, to the minute", null=True)
    last_used_ip = models.GenericIPAddressField("from where it was last used", null=True)
    revoked_at = models.DateTimeField(null=True)
    replaced_by = models.OneToOneField("self", models.SET_NULL, null=True, related_name="replaces")
    # A key and those it was rolled into spend from one cap.
    family = models.CharField("the key_id of the first", max_length=10, blank=True, db_index=True)

    class Meta:
        verbose_name = "API key"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(mode__in=["live", "test"]), name="api_key_mode"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.display})"

    @property
    def prefix(self) -> str:
        return f"stt_{self.mode}_{self.key_id}"

    @property
    def display(self) -> str:
        return f"{self.prefix}…{self.last_four}"

    @property
    def is_test(self) -> bool:
        return self.mode == self.Mode.TEST
