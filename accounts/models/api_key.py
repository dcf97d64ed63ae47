from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """What is stored of `stt_live_<key_id>_<secret>_<checksum>`: never enough to make the key again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    key_id = models.CharField("its public part, ten characters", max_length=10, unique=True)
    secret_hash = models.CharField("HMAC-SHA256 of the secret under the pepper, hex", max_length=64)
    last_four = models.CharField(max_length=4)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField("last used, to the minute", null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.display})"

    @property
    def prefix(self) -> str:
        return f"stt_live_{self.key_id}"

    @property
    def display(self) -> str:
        return f"{self.prefix}…{self.last_four}"
