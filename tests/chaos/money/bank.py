"""Top-ups: bought on our page, paid at the double, and told to us more than once and in any order."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.chaos.money.http import Web
from tests.stripe_double.server import Double, send
from tests.stripe_double.world import Object

PACK_MINUTES = 10
AGAIN_SECONDS = 0.2


class Bank:
    """Sends every event of the double one to four times, in any order, until a web process has taken it each time."""

    def __init__(self, double: Double, ports: list[int], seed: int) -> None:
        self.world = double.world
        self.price = double.world.price(500, PACK_MINUTES)["id"]
        self.sent = 0
        self.repeats = 0
        self.refused: Counter[int] = Counter()
        self._chance = Random(f"bank {seed}")
        self._ports = ports
        self._seen = 0
        self._waiting: list[Object] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._deliver, daemon=True)

    @contextmanager
    def open(self) -> Iterator["Bank"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            self._thread.join(60)

    def paid(self, session: str, *, later: bool) -> None:
        with self.world.lock:
            if self.world.pay(session, later=later)["payment_status"] != "paid":
                self.world.arrive(session)

    def has_told_all(self) -> bool:
        return not self._waiting and self._seen == len(self.world.events)

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            self._gather()
            if not self._waiting:
                time.sleep(AGAIN_SECONDS)
                continue
            event = self._chance.choice(self._waiting)
            if self._send(event):
                self._waiting.remove(event)
                self.sent += 1

    def _gather(self) -> None:
        with self.world.lock:
            fresh = self.world.events[self._seen :]
        for event in fresh:
            times = self._chance.randint(1, 4)
            self._waiting += [event] * times
            self.repeats += times - 1
        self._seen += len(fresh)

    def _send(self, event: Object) -> bool:
        try:
            status = send(event, f"http://127.0.0.1:{self._chance.choice(self._ports)}/stripe/webhook/")
        except OSError:  # killed, or not there yet
            time.sleep(AGAIN_SECONDS)
            return False
        if status != 200:
            self.refused[status] += 1
            time.sleep(AGAIN_SECONDS)
        return status == 200


class Purse:
    """How one client buys, in its browser."""

    def __init__(self, bank: Bank, web: Web, session: str, chance: Random) -> None:
        self.bought = 0
        self._bank = bank
        self._web = web
        self._chance = chance
        token = "c" * 32
        self._headers = {
            "Cookie": f"sessionid={session}; csrftoken={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._order = ""

    def top_up(self) -> None:
        """A form whose answer was lost is sent again as it was."""
        self._order = self._order or "".join(self._chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=22))
        body = f"price={self._bank.price}&order={self._order}".encode()
        reply = self._web.ask("POST", "/billing/buy/", body, self._headers)
        if reply is None or reply.status != 302:
            time.sleep(AGAIN_SECONDS)
            return
        self._order = ""
        self._bank.paid(reply.headers["location"].rpartition("/")[2], later=self._chance.random() < 0.3)
        self.bought += 1
