from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import stripe_gateway
from accounts.models import Reconciliation
from accounts.services import stripe_events


class Command(BaseCommand):
    help = (
        "Ask Stripe what it told in the last days, and apply what this server did not hear. Done every night by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=stripe_events.DAYS, help="at most 30: Stripe forgets older ones"
        )

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if not stripe_gateway.enabled():
            raise CommandError("STT_STRIPE_SECRET_KEY is not set: this server takes no payments.")
        if not 1 <= days <= 30:
            raise CommandError("--days must be between 1 and 30.")
        begun = Reconciliation.objects.create(days=days, started_at=timezone.now())
        run = stripe_events.reconcile(begun.pk)
        if run.error:
            raise CommandError(run.error)
        self.stdout.write(f"{run.seen} events, {run.missed} of them had not come and are applied now.")
