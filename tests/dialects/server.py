"""The whole product for the contract's tests, with accounts in every state of purse."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.dialects.examples import Call, Example
from tests.live import Product, running
from tests.uploads.conftest import head

DRAIN = """
from accounts.models import User
from accounts.services import ledger
user = User.objects.get(email={email!r})
ledger.reserve(user, "test:drained", ledger.available_mc(user))
"""


@dataclass(frozen=True)
class Server:
    product: Product
    keys: dict[str, str] = field(default_factory=dict)

    def send(self, example: Example, call: Call, key: str, address: str = "", **headers: str) -> httpx.Response:
        wanted = {**example.key(key), "Content-Type": call.content_type, **call.headers, **headers}
        url = (address or self.product.address) + call.path
        return httpx.request(call.method, url, content=call.body, headers=wanted, timeout=120)

    def credits(self, key: str) -> float:
        with self.product.client(key) as client:
            left: float = client.get("/api/v1/account/").json()["credits_remaining"]
        return left

    def leave_after(self, example: Example, file: bytes, key: str) -> Callable[[], None]:
        """Sends a recording and waits for no answer; what it returns hangs up."""
        call, where = example.ask(file), httpx.URL(self.product.address)
        length = str(len(call.body))
        headers = {**example.key(key), **call.headers, "Content-Type": call.content_type, "Content-Length": length}
        connection = socket.create_connection((where.host, where.port or 80), timeout=60)
        connection.sendall(head(call.path, headers) + call.body)
        return connection.close

    def open_jobs(self, key: str) -> int:
        with self.product.client(key) as client:
            page = client.get("/api/v1/transcripts/", params={"status": "processing"}).json()
            waiting = client.get("/api/v1/transcripts/", params={"status": "pending"}).json()
        return int(page["count"]) + int(waiting["count"])


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    # Of its own: it is asked more often than a guest may, and one account is emptied.
    with running(folder, STT_ANONYMOUS_PER_DAY="100", STT_WORK_PER_MINUTE="100000") as product:
        keys = {name: product.key(f"{name}@example.com") for name in ("empty", "busy", "free")}
        keys["paid"] = product.key("paid@example.com", minutes=1000)
        product.manage("shell", "-c", DRAIN.format(email="empty@example.com"))
        yield Server(product, {**keys, "unknown": "stt_live_nobody", "none": ""})
