"""Run as a program: many processes start the same thing at the same moment. Prints what came of it as JSON.

python -m tests.accounts.racers RACERS ROUNDS SCENARIO...
"""

# ruff: noqa: E402

import json
import multiprocessing as mp
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import django

django.setup()

from django.db import OperationalError, connections, transaction
from django.test import override_settings
from django.utils import timezone

from accounts.models import ApiKey, CreditLot, Mail, RateCounter, Reservation, User
from accounts.services import (
    access,
    api_keys,
    idempotency,
    key_caps,
    ledger,
    limits,
    mails,
    profile,
    rate_limits,
    stream_tokens,
)
from accounts.services.access import Caller, identify
from accounts.services.audit import audit
from accounts.services.ledger import Work
from stt_site.lib.errors import ServiceError

fork = mp.get_context("fork")


def race(racers: int, rounds: int, attempt: Callable[[int, int], str]) -> list[Counter[str]]:
    """Of each round, the outcomes of `attempt(round, racer)` in as many processes, which leave the barrier together."""
    connections.close_all()
    barrier = fork.Barrier(racers)
    outcomes = fork.Queue()

    def run(racer: int) -> None:
        for number in range(rounds):
            barrier.wait()
            outcomes.put((number, _outcome(attempt, number, racer)))

    processes = [fork.Process(target=run, args=(racer,)) for racer in range(racers)]
    for process in processes:
        process.start()
    counted: list[Counter[str]] = [Counter() for _ in range(rounds)]
    for _ in range(racers * rounds):
        number, outcome = outcomes.get(timeout=120)
        counted[number][outcome] += 1
    for process in processes:
        process.join()
    return counted


def _outcome(attempt: Callable[[int, int], str], number: int, racer: int) -> str:
    try:
        return attempt(number, racer)
    except ServiceError as error:
        return error.code.value
    except OperationalError as error:
        return f"database: {error}"


def new_user(tag: object = "") -> User:
    return User.objects.create_user(f"racer{tag}-{time.time_ns()}@example.com")


@override_settings(FREE_MINUTES_PER_MONTH=0)
def told(racers: int, rounds: int) -> dict[str, Any]:
    """Half accept work of an account, half end some and write its owner a mail: nobody waits for another crosswise."""
    user = new_user()
    profile.change(user, mail_transcript_ready=True)
    ledger.grant(user, racers * rounds * 2000, actor="test", reason="enough")
    for number in range(rounds):
        for racer in range(racers):
            ledger.reserve(user, f"told:{user.pk}:{number}:{racer}", 1000)

    def attempt(number: int, racer: int) -> str:
        with transaction.atomic():
            if racer % 2:
                access.demand_open(user)
                time.sleep(0.1)
                ledger.reserve(user, f"more:{user.pk}:{number}:{racer}", 1000)
                return "accepted"
            ledger.settle(f"told:{user.pk}:{number}:{racer}", 1000)
            time.sleep(0.1)
            mails.write(user, Mail.Kind.TRANSCRIPT_READY, f"tr_{number}_{racer}", title="Talk", path="/")
            return "told"

    return {"outcomes": sum(race(racers, rounds, attempt), Counter()), "breaches": audit()}


@override_settings(FREE_MINUTES_PER_MONTH=0)
def last_credit(racers: int, rounds: int) -> dict[str, Any]:
    users = [new_user(number) for number in range(rounds)]
    for user in users:
        ledger.grant(user, 1000, actor="test", reason="one credit")

    def attempt(number: int, racer: int) -> str:
        ledger.reserve(users[number], f"job:{users[number].pk}:{racer}", 1000)
        return "held"

    counted = race(racers, rounds, attempt)
    return {
        "outcomes": sum(counted, Counter()),
        "winners": sorted({one["held"] for one in counted}),
        "breaches": audit(),
    }


def first_of_month(racers: int, rounds: int) -> dict[str, Any]:
    """All begin at once with a month that nobody has opened yet: it is granted once."""
    users = [new_user(number) for number in range(rounds)]

    def attempt(number: int, racer: int) -> str:
        ledger.reserve(users[number], f"month:{users[number].pk}:{racer}", 1000)
        return "held"

    counted = race(racers, rounds, attempt)
    lots = [CreditLot.objects.filter(owner_id=user.pk).count() for user in users]
    held = [ledger.balance(user).held_mc for user in users]
    return {"outcomes": sum(counted, Counter()), "lots": lots, "held": held, "breaches": audit()}


@override_settings(FREE_MINUTES_PER_MONTH=1)
def just_enough(racers: int, rounds: int) -> dict[str, Any]:
    """The credits of two lots suffice for all, to the last: nobody may be refused because another moved first."""
    users = [new_user(number) for number in range(rounds)]
    for user in users:
        ledger.grant(user, racers * 700 - 1000, actor="test", reason="just enough")

    def attempt(number: int, racer: int) -> str:
        ledger.reserve(users[number], f"enough:{users[number].pk}:{racer}", 700)
        return "held"

    return {"outcomes": sum(race(racers, rounds, attempt), Counter()), "breaches": audit()}


def closing(racers: int, rounds: int) -> dict[str, Any]:
    """Half settle, half release, the same work."""
    user = new_user()
    for number in range(rounds):
        ledger.reserve(user, f"close:{user.pk}:{number}", 1000)

    def attempt(number: int, racer: int) -> str:
        reference = f"close:{user.pk}:{number}"
        if racer % 2:
            ledger.release(reference)
            return "released"
        return str(ledger.settle(reference, 700))

    answers = [sorted(set(one) - {"released"}) for one in race(racers, rounds, attempt)]
    balance = ledger.balance(user)
    return {"answers": answers, "used": balance.used_this_month_mc, "held": balance.held_mc, "breaches": audit()}


def slots(racers: int, rounds: int) -> dict[str, Any]:
    callers = [_caller(new_user(number)) for number in range(rounds)]

    def attempt(number: int, racer: int) -> str:
        limits.take_slot(callers[number], f"job:{number}:{racer}")
        return "taken"

    return {"cap": callers[0].plan.concurrent, "taken": [one["taken"] for one in race(racers, rounds, attempt)]}


def daily(racers: int, rounds: int) -> dict[str, Any]:
    callers = [
        identify(authorization=None, x_api_key=None, session_user=None, ip=f"198.51.100.{number}")
        for number in range(rounds)
    ]

    def attempt(number: int, racer: int) -> str:
        limits.count_daily(callers[number])
        return "counted"

    counted = [one["counted"] for one in race(racers, rounds, attempt)]
    return {"limit": callers[0].plan.daily_transcriptions, "counted": counted}


def killed_holder(racers: int, rounds: int) -> dict[str, Any]:
    """A holder dies by SIGKILL: its slot is busy within the lease and free after it."""
    caller = _caller(new_user())

    def hold(ready: Any) -> None:
        for number in range(caller.plan.concurrent):
            limits.take_slot(caller, f"doomed:{number}")
        ready.set()
        signal.pause()

    connections.close_all()
    ready = fork.Event()
    process = fork.Process(target=hold, args=(ready,))
    process.start()
    ready.wait(60)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    within = _try_slot(caller)
    later = timezone.now() + timedelta(seconds=61)
    with mock.patch.object(timezone, "now", return_value=later):
        return {"within": within, "after": _try_slot(caller)}


def rate(racers: int, rounds: int) -> dict[str, Any]:
    """All together ask twice as often as the quota: what passes is the quota and what came back meanwhile."""
    caller = identify(
        authorization=None, x_api_key=None, session_user=None, ip=f"2001:db8:{time.time_ns() % 0xFFFF:x}::1"
    )
    quota = rate_limits.BUCKETS["reads"].quota

    def attempt(number: int, racer: int) -> str:
        taken = [rate_limits.take(caller, "reads") for _ in range(2 * quota // racers)]
        return str(sum(standing is not None and standing.allowed for standing in taken))

    began = time.time()
    counted = sum(race(racers, 1, attempt), Counter())
    came_back = (time.time() - began) * quota / rate_limits.WINDOW_SECONDS
    return {
        "asked": 2 * quota // racers * racers,
        "passed": sum(int(passed) * times for passed, times in counted.items()),
        "quota": quota,
        "bound": quota + int(came_back) + 1,
        "in_database": RateCounter.objects.filter(name=f"reads:{caller.key}").exists(),
    }


def redeem(racers: int, rounds: int) -> dict[str, Any]:
    caller = _caller(new_user())
    issued = [stream_tokens.issue(caller)[1] for _ in range(rounds)]

    def attempt(number: int, racer: int) -> str:
        stream_tokens.redeem(issued[number], "198.51.100.1")
        return "admitted"

    counted = race(racers, rounds, attempt)
    return {"outcomes": sum(counted, Counter()), "admitted": [one["admitted"] for one in counted]}


def capped(racers: int, rounds: int) -> dict[str, Any]:
    """A key that may spend three minutes, and a key that it was rolled into: all want one at once."""
    user = new_user()
    pairs = []
    for number in range(rounds):
        key, plaintext = api_keys.create_key(user, f"key {number}", monthly_minutes=3)
        pairs.append((plaintext, api_keys.roll(key, timedelta(hours=1))[1]))

    def attempt(number: int, racer: int) -> str:
        plaintext = pairs[number][racer % 2]
        caller = identify(authorization=f"Bearer {plaintext}", x_api_key=None, session_user=None, ip="198.51.100.1")
        with transaction.atomic():
            work = Work(api_key_id=caller.api_key_id)
            ledger.reserve(user, f"capped:{user.pk}:{number}:{racer}", 1000, work)
            key_caps.require(caller)
        return "held"

    counted = race(racers, rounds, attempt)
    return {"outcomes": sum(counted, Counter()), "held": [one["held"] for one in counted], "breaches": audit()}


def named(racers: int, rounds: int) -> dict[str, Any]:
    """The same request from all at once: one is accepted and holds credits."""
    user = new_user()
    caller = _caller(user)

    def attempt(number: int, racer: int) -> str:
        ticket = idempotency.ticket(caller, f"request {number}", "POST", "/v1/transcribe", {})
        with transaction.atomic():
            idempotency.claim(ticket, f"transcript:{number}")
            ledger.reserve(user, f"named:{user.pk}:{number}:{racer}", 1000)
        return "accepted"

    counted = race(racers, rounds, attempt)
    held = ledger.balance(user).held_mc
    return {"outcomes": sum(counted, Counter()), "accepted": [one["accepted"] for one in counted], "held": held}


def rolled(racers: int, rounds: int) -> dict[str, Any]:
    """One key, rolled by all: it has one successor."""
    user = new_user()
    keys = [api_keys.create_key(user, f"key {number}")[0] for number in range(rounds)]

    def attempt(number: int, racer: int) -> str:
        api_keys.roll(ApiKey.objects.get(pk=keys[number].pk), timedelta(hours=1))
        return "rolled"

    counted = race(racers, rounds, attempt)
    return {"outcomes": sum(counted, Counter()), "keys": user.api_keys.count()}


def chaos(racers: int, rounds: int) -> dict[str, Any]:
    """Workers hold, settle, release and grant for three users and are killed at random, `rounds` times and until
    a hundred pieces of work were closed."""
    users = [new_user(number) for number in range(3)]
    trouble = fork.SimpleQueue()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for step in range(10**9):
            user, reference = chance.choice(users), f"chaos:{chance.randrange(300)}"
            try:
                match chance.randrange(5):
                    case 0 | 1:
                        ledger.reserve(user, reference, chance.randrange(5000))
                    case 2 | 3 if Reservation.objects.filter(reference=reference).exists():
                        ledger.settle(reference, chance.randrange(6000))
                    case 4:
                        ledger.release(reference)
                    case _:
                        ledger.grant(user, 700, actor="test", reason="chaos", key=f"{seed % 5}:{step % 50}")
            except ServiceError:
                pass
            except OperationalError as error:
                trouble.put(str(error))

    def start(seed: int) -> Any:
        connections.close_all()
        process = fork.Process(target=work, args=(seed,))
        process.start()
        return process

    def closed() -> int:
        return Reservation.objects.filter(reference__startswith="chaos:").exclude(state="held").count()

    chance = random.Random(7)
    workers = [start(seed) for seed in range(racers)]
    breaches = []
    kills = 0
    while kills < rounds or (closed() < 100 and kills < 10 * rounds):
        time.sleep(chance.random() * 0.05)
        index = chance.randrange(racers)
        os.kill(workers[index].pid, signal.SIGKILL)
        workers[index].join()
        workers[index] = start(racers + kills)
        kills += 1
        if kills % 10 == 0:
            breaches += audit()
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    errors = []
    while not trouble.empty():
        errors.append(trouble.get())
    return {"kills": kills, "closed": closed(), "errors": errors, "breaches": breaches + audit()}


def _caller(user: User) -> Caller:
    return identify(authorization=None, x_api_key=None, session_user=user, ip="198.51.100.1")


def _try_slot(caller: Caller) -> str:
    try:
        limits.take_slot(caller, "next")
    except ServiceError as error:
        return error.code.value
    return "taken"


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        last_credit,
        first_of_month,
        just_enough,
        closing,
        slots,
        killed_holder,
        daily,
        rate,
        redeem,
        capped,
        named,
        rolled,
        told,
        chaos,
    )
}

if __name__ == "__main__":
    racers, rounds = map(int, sys.argv[1:3])
    print(json.dumps({name: SCENARIOS[name](racers, rounds) for name in sys.argv[3:]}))
