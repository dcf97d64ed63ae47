from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

COUNTERS = ("accounts", "ratecounter")


class CountersApart:
    """Keeps the rate counters in the database that the setting COUNTERS names, and everything else out of it."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return settings.COUNTERS if (model._meta.app_label, model._meta.model_name) == COUNTERS else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if (app_label, model_name) == COUNTERS:
            return bool(db == settings.COUNTERS)
        return None if db == DEFAULT_DB_ALIAS else False
