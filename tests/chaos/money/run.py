"""Clients, top-ups and kills over one server, and afterwards an account of all of it as JSON.

python -m tests.chaos.money.run JOBS KILLS SECONDS SEED    (settings from the environment; see `__main__`)
"""

# ruff: noqa: E402

import json
import os
import sys
import time
import wave
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client as Browser

from accounts.models import StripeEvent, User
from accounts.services import api_keys
from tests.chaos.arena import open_jobs, until
from tests.chaos.money import books
from tests.chaos.money.bank import Bank, Purse
from tests.chaos.money.client import Client
from tests.chaos.money.http import Web
from tests.chaos.money.processes import Server
from tests.chaos.money.short_engine import pieces_in, text_of
from tests.stripe_double.server import Double
from transcripts.models import Job, JobState
from transcripts.services.audit import audit

CLIENTS = 8
RECORDINGS = 6
RATE = 8000
AUDIT_EVERY = 20
"""Kills."""
MIX = {"worker": 6, "engine": 3, "web": 2}
"""Of the server's processes, how often each kind is struck."""
PATIENCE = 2.0
"""A slow machine may take this many times the seconds that were asked for."""
FASTEST, SLOWEST = 0.2, 3.0
"""Seconds between two kills: below that they meet only what has just been started."""
DRAIN_SECONDS = 150.0
"""After the last kill: for jobs to end, and for names whose first sender died, a minute."""


class Run:
    def __init__(self, jobs: int, kills: int, seconds: float, seed: int, double: Double) -> None:
        self._jobs, self._kills, self._seconds, self._seed = jobs, kills, seconds, seed
        self._chance = Random(seed)
        self._ports = [int(port) for port in os.environ["CHAOS_PORTS"].split(",")]
        self._over = False
        self._began = time.monotonic()
        self.server = Server(self._ports, settings.DATA_DIR / "server.log")
        self.bank = Bank(double, self._ports, seed)
        self.clients = self._make_clients()
        self.kills: Counter[str] = Counter()
        self.audits = 0
        self.breaches: list[list[str]] = []
        self.behind = 0

    def _make_clients(self) -> list[Client]:
        recordings = _recordings(self._seed)
        return [self._make_client(number, recordings) for number in range(CLIENTS)]

    def _make_client(self, number: int, recordings: dict[str, tuple[bytes, str]]) -> Client:
        user = User.objects.create_user(f"client{number}@example.org")
        browser = Browser()
        browser.force_login(user)
        web = Web(self._ports, Random(f"web {self._seed} {number}"))
        purse = Purse(self.bank, web, browser.cookies["sessionid"].value, Random(f"purse {self._seed} {number}"))
        key = api_keys.create_key(user, "chaos", api_keys.SCOPES)[1]
        return Client(number, self._seed, web, key, purse, recordings, self._enough)

    def _enough(self) -> bool:
        return self._over

    def rage(self) -> None:
        deadline = self._began + PATIENCE * self._seconds
        while time.monotonic() < deadline and not self._reached():
            self.server.fill()
            self._pause(self._began + self._seconds - time.monotonic())
            self._strike()
        self._over = True
        until(self._calm, DRAIN_SECONDS)

    def _reached(self) -> bool:
        return self.kills.total() >= self._kills and self._accepted() >= self._jobs

    def _accepted(self) -> int:
        """As the clients were told; there are more in the database."""
        return sum(len(client.accepted) for client in self.clients)

    def _pause(self, left: float) -> None:
        """Kills are spread over three quarters of the time. Once there are enough, few follow, so that jobs do."""
        to_go = self._kills - self.kills.total()
        even = (left - self._seconds / 4) / to_go if to_go > 0 else SLOWEST
        time.sleep(self._chance.uniform(0.3, 1.7) * min(SLOWEST, max(FASTEST, even)))

    def _strike(self) -> None:
        kind = self._chance.choices(list(MIX), list(MIX.values()))[0]
        if self.server.strike(kind, self._chance, _busy_workers()):
            self.kills[kind] += 1
            if self.kills.total() % AUDIT_EVERY == 0:
                self._audit()

    def _audit(self) -> None:
        self.audits += 1
        for breach in audit():
            # I9 says that workers are behind, and here somebody kills them; at the end it counts.
            if breach.invariant == "I9":
                self.behind += 1
            else:
                self.breaches.append(list(breach))
        if self.audits % 5 == 0:
            said = f"{self._accepted()} jobs, {self.kills.total()} kills, {len(self.breaches)} violations"
            print(f"{time.monotonic() - self._began:.0f} s: {said}", file=sys.stderr, flush=True)

    def _calm(self) -> bool:
        self.server.fill()
        if any(client.is_alive() for client in self.clients) or not self.bank.has_told_all():
            return False
        return open_jobs() == 0 and not StripeEvent.objects.filter(outcome="waiting").exists()

    def report(self) -> dict[str, Any]:
        counts = sum((client.counts for client in self.clients), Counter())
        purses = [client._purse.bought for client in self.clients]
        return {
            "seconds": round(time.monotonic() - self._began),
            "kills": self.kills.total(),
            "killed": dict(self.kills),
            "audits": self.audits + 1,
            "violations": self.breaches + [list(breach) for breach in audit()],
            "workers_behind_seen": self.behind,
            "clients": dict(counts),
            "complaints": [each for client in self.clients for each in client.complaints],
            "top_ups": sum(purses),
            "webhooks": {"sent": self.bank.sent, "repeats": self.bank.repeats, "refused": dict(self.bank.refused)},
            **books.account([client.accepted for client in self.clients], _words(self._seed)),
            **books.payments(self.bank.world),
        }


def _busy_workers() -> set[int]:
    try:
        owners = Job.objects.filter(state=JobState.RUNNING).values_list("lease_owner", flat=True)
        return {int(owner.split(":")[1]) for owner in owners}
    except OperationalError:
        return set()


def _recordings(seed: int) -> dict[str, tuple[bytes, str]]:
    """Half a second to two seconds of noise, each with the words that the engine says for it."""
    chance = Random(f"recordings {seed}")
    made = {}
    for number in range(RECORDINGS):
        path = settings.DATA_DIR / f"recording-{number}.wav"
        seconds = 0.5 + number * 0.3
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            out.writeframes(chance.randbytes(2 * int(seconds * RATE)))
        sound = path.read_bytes()
        made[path.name] = (sound, text_of(sound, pieces_in(seconds)))
    return made


def _words(seed: int) -> dict[int, str]:
    """By size, which differs for each."""
    return {len(sound): words for sound, words in _recordings(seed).values()}


def main(jobs: int, kills: int, seconds: float, seed: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    double = Double(int(os.environ["CHAOS_STRIPE_PORT"]))
    double.start()
    run = Run(jobs, kills, seconds, seed, double)
    connections.close_all()
    try:
        until(run.server.answers, 120)
        with run.bank.open():
            for client in run.clients:
                client.start()
            run.rage()
        return run.report()
    finally:
        run.server.close()
        double.stop()


if __name__ == "__main__":
    numbers = sys.argv[1:]
    Path(os.environ["CHAOS_REPORT"]).write_text(
        json.dumps(main(int(numbers[0]), int(numbers[1]), float(numbers[2]), int(numbers[3])))
    )
    sys.stdout.flush()
    os._exit(0)
