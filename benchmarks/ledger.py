"""What the audit of a large ledger costs, and what it does to the holds beside it.

    python -m benchmarks.ledger [--jobs 500000] [--owners 1000]

A paid job is two entries (hold, close), so the default makes a million. The rows are written as the ledger would have
left them, at once; the audit then has to find them in order.
"""

# ruff: noqa: E402

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from statistics import median, quantiles
from typing import Any

os.environ.setdefault("STT_DATA_DIR", tempfile.mkdtemp(prefix="steno-benchmark-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stt_site.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, User
from accounts.services import books, ledger
from benchmarks.pipeline import machine
from transcripts.services.audit import audit

HELD_MC, CHARGED_MC = 3000, 2000
ENTRY = """INSERT INTO accounts_entry (id, idem_key, kind, owner_id, reference, actor, memo, created_at)
VALUES (%s, %s, %s, %s, %s, '', '', %s)"""
TRANSFER = """INSERT INTO accounts_transfer (entry_id, debit_account_id, credit_account_id, amount)
VALUES (%s, %s, %s, %s)"""
RESERVATION = """INSERT INTO accounts_reservation
(reference, owner_id, amount_mc, charged_mc, source, paid_for, state, created_at, closed_at)
VALUES (%s, %s, %s, %s, 'api', '', 'settled', %s, %s)"""
LEG = "INSERT INTO accounts_reservationleg (reservation_id, lot_id, amount_mc) VALUES (%s, %s, %s)"
Row = tuple[str, tuple[Any, ...]]


def fill(jobs: int, owners: int) -> User:
    """`jobs` settled ones, evenly over `owners` new accounts. Returns one of them."""
    people = [User.objects.create_user(f"owner-{number}@example.org") for number in range(owners)]
    each = jobs // owners
    for person in people:
        ledger.grant(person, each * HELD_MC, actor="benchmark", reason="to spend")
    lots = {lot.owner_id: lot.pk for lot in CreditLot.objects.all()}
    revenue, now = books.house(AccountKind.REVENUE), timezone.now()
    pairs = {
        person.pk: tuple(
            books.account(person.pk, kind, lots[person.pk]) for kind in (AccountKind.AVAILABLE, AccountKind.HELD)
        )
        for person in people
    }

    def rows(number: int, owner: int) -> Iterator[Row]:
        (available, held), entry, name = pairs[owner], 10_000_000 + 2 * number, f"bench:{number}"
        yield ENTRY, (entry, f"{name}:reserve", "reserve", owner, name, now)
        yield ENTRY, (entry + 1, f"{name}:close", "settle", owner, name, now)
        yield TRANSFER, (entry, available, held, HELD_MC)
        yield TRANSFER, (entry + 1, held, revenue, CHARGED_MC)
        yield TRANSFER, (entry + 1, held, available, HELD_MC - CHARGED_MC)
        yield RESERVATION, (name, owner, HELD_MC, CHARGED_MC, now, now)
        yield LEG, (name, lots[owner], HELD_MC)

    for first in range(0, each * owners, 20_000):
        write(
            row
            for number in range(first, min(first + 20_000, each * owners))
            for row in rows(number, people[number % owners].pk)
        )
    with transaction.atomic():
        for available, _ in pairs.values():
            Account.objects.filter(pk=available).update(balance=each * (HELD_MC - CHARGED_MC))
        Account.objects.filter(pk=revenue).update(balance=each * owners * CHARGED_MC)
    return people[0]


def write(rows: Iterable[Row]) -> None:
    statements: dict[str, list[tuple[Any, ...]]] = {ENTRY: [], RESERVATION: [], TRANSFER: [], LEG: []}
    for statement, values in rows:
        statements[statement].append(values)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, values_of_all in statements.items():
            cursor.executemany(statement, values_of_all)


def holds(owner: User, count: int, name: str) -> list[float]:
    """Milliseconds of each hold and its closing."""
    took = []
    for number in range(count):
        began = time.perf_counter()
        ledger.reserve(owner, f"{name}:{number}", 1000)
        ledger.settle(f"{name}:{number}", 1000)
        took.append((time.perf_counter() - began) * 1000)
    return took


def line(name: str, milliseconds: list[float]) -> None:
    tail = quantiles(milliseconds, n=20)[-1] if len(milliseconds) > 1 else milliseconds[0]
    print(f"{name:<44} {median(milliseconds):8.1f} ms median {tail:8.1f} ms 95 %  ({len(milliseconds)})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=500_000)
    parser.add_argument("--owners", type=int, default=1_000)
    arguments = parser.parse_args()
    call_command("migrate", verbosity=0)
    owner = fill(arguments.jobs, arguments.owners)
    print(machine(), connection.vendor, f"{2 * arguments.jobs:,} entries", sep=", ")
    line("hold and close", holds(owner, 100, "alone"))
    audits = []
    for _ in range(5):
        began = time.perf_counter()
        if breaches := audit():
            raise SystemExit(f"The audit found what is not there: {breaches}")
        audits.append((time.perf_counter() - began) * 1000)
    line("audit", audits)
    auditor = threading.Thread(target=lambda: [audit() for _ in range(5)])
    auditor.start()
    line("hold and close, beside audits", holds(owner, 100, "beside"))
    auditor.join(600)


if __name__ == "__main__":
    main()
