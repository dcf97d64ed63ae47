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
from collections.abc import Callable
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


def dead_receiver() -> dict[str, Any]:
    """Two hundred messages for one that answers nothing until the healthy one has all of its own."""
    opened = threading.Event()

    def dead(_: BaseHTTPRequestHandler) -> Says:
        opened.wait(60)
        return Says(500)

    courier = Courier()
    with receiving(dead) as silent, receiving() as healthy:
        for_dead, for_healthy = enqueue(silent.url, 200), enqueue(healthy.url, 20)
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


def kills(number: str = "20") -> dict[str, Any]:
    """Senders are other processes. Every third request kills its sender before it is answered.

    Of n messages n/2 requests are struck, one fewer where n is even: three messages a kill leave no kill to wait for.
    """
    wanted, strikes = int(number), threading.Semaphore(0)
    messages = 3 * wanted
    seen, struck, lock = [0], [0], threading.Lock()

    def murderous(request: BaseHTTPRequestHandler) -> Says | None:
        with lock:
            seen[0] += 1
            strike = seen[0] % 3 == 0 and struck[0] < wanted
            if strike:
                struck[0] += 1
                child[0].kill()
        if strike:
            strikes.release()
            return None
        return Says()

    with receiving(murderous) as receiver:
        endpoint = enqueue(receiver.url, messages)
        child = [start_sender()]
        for _ in range(wanted):
            strikes.acquire()
            child[0].wait()
            child[0] = start_sender()
        wait_for(lambda: delivered(endpoint) == messages)
        child[0].kill()
        child[0].wait()
    times: dict[str, int] = {}
    for got in receiver.got:
        times[got.headers["webhook-id"]] = times.get(got.headers["webhook-id"], 0) + 1
    bodies = {(got.headers["webhook-id"], got.body) for got in receiver.got}
    return {"messages": len(times), "least": min(times.values()), "killed": struck[0], "bodies": len(bodies)}


def start_sender() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", __spec__.name, "sender"])


def sender() -> dict[str, Any]:
    """Until it is killed. Its lease is short, so that the next one need not wait."""
    webhook_delivery.LEASE_MARGIN = timedelta(seconds=0.2)
    parent = os.getppid()
    Courier().run(lambda: os.getppid() != parent)
    return {}


def enqueue(url: str, number: int) -> "WebhookEndpoint":
    owner = User.objects.get_or_create(email="owner@example.org")[0]
    endpoint = WebhookEndpoint.objects.filter(url=url).first()
    if endpoint is None:
        endpoint, _ = webhooks.create(owner, url, webhooks.EVENTS)
    for _ in range(number):
        row = webhooks.send_test(endpoint)
        WebhookDelivery.objects.filter(pk=row.pk).update(event=webhooks.COMPLETED, created_at=timezone.now())
    return endpoint


def delivered(endpoint: "WebhookEndpoint") -> int:
    return WebhookDelivery.objects.filter(endpoint=endpoint, state="delivered").count()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    django.setup()
    from accounts.models import User
    from tests.receivers import Says, receiving
    from transcripts.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
    from transcripts.services import webhook_delivery, webhooks
    from transcripts.services.webhook_courier import Courier

    scenario: Callable[..., dict[str, Any]] = globals()[sys.argv[1]]
    print(json.dumps(scenario(*sys.argv[2:])))
