from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import soundness
from transcripts.services.audit import audit


class Command(BaseCommand):
    help = "Audit the ledger now. Exits with 1 and names each breach where an invariant does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = soundness.check(audit)
        for breach in breaches:
            self.stdout.write(f"{breach.invariant}: {breach.detail}")
        if breaches:
            raise CommandError(f"The ledger has {len(breaches)} breaches.")
        self.stdout.write("The ledger holds: I1 to I9.")
