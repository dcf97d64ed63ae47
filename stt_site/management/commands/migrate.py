from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS


class Command(migrate.Command):
    """Django's, and then the same for the database of the counters: who migrates should not need to know of it."""

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        everything = not (options["app_label"] or options["plan"] or options["check_unapplied"])
        if everything and options["database"] == DEFAULT_DB_ALIAS != settings.COUNTERS:
            call_command("migrate", "accounts", database=settings.COUNTERS, verbosity=options["verbosity"])
