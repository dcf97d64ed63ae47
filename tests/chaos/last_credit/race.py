"""Racers in processes of their own want the last credit of one account after another. Prints what came of it as JSON.

python -m tests.chaos.last_credit.race ATTEMPTS RACERS SECONDS SEED    (on the database of the environment)
"""

# ruff: noqa: E402

import json
import math
import multiprocessing
import sys
import threading
import time
from collections import Counter
from random import Random
from typing import Any

import django

django.setup()

from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.models import F, Sum

from accounts.models import CreditLot, Reservation, User
from accounts.services import ledger, limits, plans
from accounts.services.access import Caller
from accounts.services.audit import audit
from stt_site.lib.errors import ErrorCode, ServiceError

FORK = multiprocessing.get_context("fork")
CREDIT_MC = 1000
TRIES = 4
"""Of each racer for each account."""
TOGETHER = 25
"""Accounts between two barriers, so that racers stay together."""
OUTCOMES = ("held", "refused_first", "refused", "busy", "other")
"""An attempt is what a request does: a look before the body is read, then the hold. Each racer's first attempt at an
account leaves the look out, as if it had been taken a moment earlier: those are the ones that meet in the ledger.
`refused_first` by the look, `refused` by the ledger. `busy`: SQLite's one writer was others' for 20 s, which the APIs
answer with 503."""


def make_accounts(count: int) -> list[int]:
    made = []
    for number in range(count):
        user = User.objects.create_user(f"racer{number}@example.org")
        ledger.grant(user, CREDIT_MC, actor="test", reason="one credit")
        made.append(user.pk)
    return made


def race(accounts: list[int], racers: int, seconds: float, seed: int) -> Counter[str]:
    """What the attempts came to, all together. After `seconds` no further accounts are begun."""
    connections.close_all()
    counted = FORK.RawArray("q", racers * len(OUTCOMES))
    barrier = FORK.Barrier(racers)
    deadline = time.monotonic() + seconds

    def run(racer: int) -> None:
        chance = Random(f"{seed} {racer}")
        for begin in range(0, len(accounts), TOGETHER):
            # One of them looks at the clock for all: else some would wait for those who have stopped.
            if racer == 0 and time.monotonic() > deadline:
                barrier.abort()
            try:
                barrier.wait(300)
            except threading.BrokenBarrierError:
                break
            for attempt in range(TRIES):
                for owner in chance.sample(accounts[begin : begin + TOGETHER], len(accounts[begin : begin + TOGETHER])):
                    outcome = _attempt(owner, f"race:{owner}:{racer}:{attempt}", look=attempt > 0)
                    counted[racer * len(OUTCOMES) + OUTCOMES.index(outcome)] += 1

    processes = [FORK.Process(target=run, args=(racer,)) for racer in range(racers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return Counter({name: sum(counted[place :: len(OUTCOMES)]) for place, name in enumerate(OUTCOMES)})


def _attempt(owner: int, reference: str, *, look: bool) -> str:
    caller = Caller(User(pk=owner), None, "127.0.0.1", plans.free())
    in_ledger = not look
    try:
        if look:
            limits.check_before_body(caller, None)
            in_ledger = True
        ledger.reserve(User(pk=owner), reference, CREDIT_MC)
    except ServiceError as error:
        if error.code is not ErrorCode.INSUFFICIENT_CREDITS:
            return "other"
        return "refused" if in_ledger else "refused_first"
    except OperationalError as error:
        return "busy" if "locked" in str(error) else "other"
    return "held"


def main(attempts: int, racers: int, seconds: float, seed: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    accounts = make_accounts(math.ceil(attempts / racers / TRIES))
    began = time.monotonic()
    outcomes = race(accounts, racers, seconds, seed)
    took = time.monotonic() - began
    held = dict(Reservation.objects.values_list("owner_id").annotate(held=Sum("amount_mc")))
    granted = dict(CreditLot.objects.values_list("owner_id").annotate(granted=Sum("granted_mc")))
    return {
        "attempts": outcomes.total(),
        "racers": racers,
        "accounts": outcomes.total() // (racers * TRIES),
        "winners": outcomes["held"],
        "refused_first": outcomes["refused_first"],
        "refused": outcomes["refused"],
        "busy": outcomes["busy"],
        "other": outcomes["other"],
        "overspent_mc": sum(max(0, amount - granted[owner]) for owner, amount in held.items()),
        "charged_beyond_hold": Reservation.objects.filter(charged_mc__gt=F("amount_mc")).count(),
        "violations": [list(breach) for breach in audit()],
        "seconds": round(took),
        "seed": seed,
    }


if __name__ == "__main__":
    report = main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps(report))
