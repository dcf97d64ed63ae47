"""Many messages, several receivers, several senders, some of them killed: a program, so that the database is a real
one and threads and processes meet in it. Prints what happened as JSON; test_courier.py judges.

    python -m tests.webhooks.couriers <scenario> [number]
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import django
from django.utils import timezone

PAUSE = 0.02


def wait_for(done: Callable[[], bool], step: Callable[[], object] = lambda: None) -> None:
    while not done():
        step()
        threading.Event().wait(PAUSE)


def dead_receiver(number: str) -> dict[str, Any]:
    """Many messages for one that answers nothing until the healthy one has all of its own."""
    opened = threading.Event()

    def dead(_: BaseHTTPRequestHandler) -> Says:
        opened.wait(60)
        return Says(500)

    courier = Courier()
    with receiving(dead) as silent, receiving() as healthy:
        for_dead, for_healthy = enqueue(silent.url, int(number)), enqueue(healthy.url, 20)
        wait_for(lambda: len(healthy.got) >= 20, courier.send_due)
        held = silent.connections
        opened.set()
        wait_for(lambda: delivered(for_healthy) == 20)
        courier.close()
    untouched = WebhookDelivery.objects.filter(endpoint=for_dead, attempts=0).count()
    return {"healthy": len(healthy.got), "held": held, "untouched": untouched}


def failing_receiver() -> dict[str, Any]:
    """After its first failure it gets one at a time."""
    now, most, lock = 0, 0, threading.Lock()

    def counting(_: BaseHTTPRequestHandler) -> Says:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(PAUSE)
        with lock:
            now -= 1
        return Says(500)

    courier = Courier()
    with receiving(counting) as receiver:
        enqueue(receiver.url, 1)
        wait_for(lambda: WebhookAttempt.objects.exists(), courier.send_due)
        wait_for(lambda: not courier.busy)
        enqueue(receiver.url, 8)
        wait_for(lambda: len(receiver.got) >= 8, courier.send_due)
        courier.close()
    return {"most": most}


def side_by_side() -> dict[str, Any]:
    couriers = [Courier() for _ in range(3)]
    with receiving() as receiver:
        endpoint = enqueue(receiver.url, 60)
        wait_for(lambda: delivered(endpoint) == 60, lambda: [courier.send_due() for courier in couriers])
        for courier in couriers:
            courier.close()
    ids = [got.headers["webhook-id"] for got in receiver.got]
    return {"sent": len(ids), "different": len(set(ids))}


def kills(number: str) -> dict[str, Any]:
    """Senders are other processes. Every third request kills its sender before it is answered; until the next one
    has begun nothing is answered, so that a sender delivers two at most and three messages a kill always suffice."""
    wanted = int(number)
    messages = 3 * wanted
    struck, seen, victim = 0, 0, 0
    dead, lock = threading.Event(), threading.Lock()

    def murderous(_: BaseHTTPRequestHandler) -> Says | None:
        nonlocal struck, seen, victim
        with lock:
            if not victim:
                return None
            seen += 1
            if seen % 3 or struck == wanted:
                return Says()
            os.kill(victim, signal.SIGKILL)
            struck, victim = struck + 1, 0
            dead.set()
            return None

    with receiving(murderous) as receiver, nest() as next_sender:
        endpoint = enqueue(receiver.url, messages)
        for _ in range(wanted):
            victim = next_sender()
            dead.wait()
            dead.clear()
        victim = next_sender()
        wait_for(lambda: delivered(endpoint) == messages)
    times = Counter(got.headers["webhook-id"] for got in receiver.got)
    bodies = {(got.headers["webhook-id"], got.body) for got in receiver.got}
    return {"messages": len(times), "least": min(times.values()), "killed": struck, "bodies": len(bodies)}


@contextmanager
def nest() -> Iterator[Callable[[], int]]:
    """Gives the process of the next sender, which starts when the one before it has died."""
    with subprocess.Popen([sys.executable, "-m", __spec__.name, "senders"], stdout=subprocess.PIPE) as nest:
        assert nest.stdout is not None
        lines = nest.stdout
        try:
            yield lambda: int(lines.readline())
        finally:
            nest.kill()


def senders() -> dict[str, Any]:
    """One after the other, each a process until it is killed. Forked, for there is no second to load Django in each."""
    # What a killed one held is due again soon, and however often that happens to a message.
    settings.WEBHOOK_TIMEOUT_SECONDS, webhook_delivery.LEASE_MARGIN = 2.0, timedelta(seconds=0.2)
    settings.WEBHOOK_PAUSES = [0.0] * 1000
    parent = os.getpid()
    while child := os.fork():
        print(child, flush=True)
        os.waitpid(child, 0)
    Courier().run(lambda: os.getppid() != parent)
    return {}


def enqueue(url: str, number: int) -> "WebhookEndpoint":
    owner = User.objects.get_or_create(email="owner@example.org")[0]
    endpoint = WebhookEndpoint.objects.filter(url=url).first()
    if endpoint is None:
        endpoint, _ = webhooks.create(owner, url, webhooks.EVENTS)
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            public_id=f"msg_{new_id(22)}",
            owner=owner,
            endpoint=endpoint,
            event=webhooks.COMPLETED,
            receiver=endpoint.public_id,
            renderer=webhooks.TEST_BODY,
            next_at=now,
        )
        for _ in range(number)
    )
    return endpoint


def delivered(endpoint: "WebhookEndpoint") -> int:
    return WebhookDelivery.objects.filter(endpoint=endpoint, state="delivered").count()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    django.setup()
    from django.conf import settings

    from accounts.models import User
    from stt_site.lib.ids import new_id
    from tests.receivers import Says, receiving
    from transcripts.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
    from transcripts.services import webhook_delivery, webhooks
    from transcripts.services.webhook_courier import Courier

    scenario: Callable[..., dict[str, Any]] = globals()[sys.argv[1]]
    print(json.dumps(scenario(*sys.argv[2:])))
