from typing import ClassVar

from django.conf import settings
from django.db import models


class StoredFile(models.Model):
    """A file that a program put into its account's store, under a name of its own. `place` names its private directory
    in storage; another file under the same name gets another place."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="stored_files")
    key = models.CharField("the owner's name for it", max_length=255)
    place = models.CharField(max_length=32, unique=True)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=127)
    size = models.BigIntegerField("bytes")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "key"], name="one_file_a_key")]

    def __str__(self) -> str:
        return self.key
