from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.audit import audit


class Command(BaseCommand):
    help = "Check the ledger's invariants. Exits with 1 and names each breach where one does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = audit()
        for breach in breaches:
            self.stdout.write(f"{breach.invariant}: {breach.detail}")
        if breaches:
            raise CommandError(f"The ledger has {len(breaches)} breaches. Accept no work until they are explained.")
        self.stdout.write("The ledger holds: I1 to I7.")
