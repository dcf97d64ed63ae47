from django.conf import settings
from django.core.validators import URLValidator
from django.db import models


class CloudInstance(models.Model):
    """A machine that is kept for one account. The administrator keeps the list; the account reads it."""

    class Status(models.TextChoices):
        PROVISIONING = "provisioning"
        RUNNING = "running"
        STOPPED = "stopped"
        FAILED = "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="cloud_instances")
    name = models.CharField(max_length=100)
    region = models.CharField(max_length=50)
    status = models.CharField(max_length=12, choices=Status, default=Status.PROVISIONING)
    gpu = models.CharField(max_length=100, blank=True)
    endpoint = models.CharField(max_length=200, blank=True, validators=[URLValidator(("https", "http", "wss", "ws"))])
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
