"""A small Stripe over HTTP: form-encoded in, JSON out, idempotency keys honoured, its own pages to pay on.

`with running() as double:` in tests; `python -m tests.stripe_double` to try the billing page in a browser.
"""

import hashlib
import hmac
import html
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.stripe_double import forms
from tests.stripe_double.api import answer
from tests.stripe_double.world import Object, Refusal, World, public

SECRET = "whsec_double"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pay</title>
<link rel="icon" href="data:,"><main><h1>Pay {amount} {currency}</h1>
<p>This is not Stripe. It stands in for it in tests.</p>
<form method="post" action="/pay/{id}"><button>Pay</button></form><p><a href="{cancel}">Back</a></p></main></html>"""
PORTAL = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Invoices</title>
<link rel="icon" href="data:,"><main><h1>Invoices</h1>
<p><a href="{back}">Back</a></p></main></html>"""


def sign(body: bytes, secret: str = SECRET, moment: float | None = None) -> str:
    """A Stripe-Signature header, from Stripe's description of it."""
    stamp = str(int(time.time() if moment is None else moment))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


class Double:
    def __init__(self, port: int = 0, key: str = "sk_test_double") -> None:
        self.world = World(key)
        double = self

        class BoundHandler(Handler):
            world = double.world

        self._server = ThreadingHTTPServer(("127.0.0.1", port), BoundHandler)
        self._server.daemon_threads = True
        self.address = self.world.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running(port: int = 0) -> Iterator[Double]:
    double = Double(port)
    double.start()
    try:
        yield double
    finally:
        double.stop()


def send(event: Object, address: str, secret: str = SECRET) -> int:
    """Posts a signed event, as Stripe does. Returns the answer's status."""
    body = json.dumps(public(event)).encode()
    headers = {"Content-Type": "application/json", "Stripe-Signature": sign(body, secret)}
    request = urllib.request.Request(address, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answered:
            return int(answered.status)
    except urllib.error.HTTPError as refused:
        return refused.code


class Handler(BaseHTTPRequestHandler):
    world: World
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: otherwise the second waits 40 ms for the client's delayed ACK of the first.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        if len(sent) < length:  # The sender died in the middle: nobody has asked anything.
            self.close_connection = True
            return
        body, address = sent.decode(), urlsplit(self.path)
        with self.world.lock:
            if address.path.startswith(("/pay/", "/portal/")):
                self._page(method, address.path)
                return
            status, answered, headers = self._called(method, address.path, forms.decode(body or address.query))
            dropped = method == "POST" and self.world.drop_answers > 0
            if dropped:
                self.world.drop_answers -= 1
        if dropped:
            self.close_connection = True
            return
        self._send(status, json.dumps(answered), "application/json", headers)

    def _called(self, method: str, path: str, asked: Object) -> tuple[int, Object, dict[str, str]]:
        self.world.requests.append((method, path, asked))
        key = self.headers.get("Idempotency-Key", "")
        try:
            if self.world.is_down:
                raise Refusal(503, "api_error", "Down.")
            if self.headers.get("Authorization") != f"Bearer {self.world.key}":
                raise Refusal(401, "invalid_request_error", "Invalid API Key provided.")
            if key in self.world.answers:
                first_path, first_asked, first = self.world.answers[key]
                if (first_path, first_asked) != (path, asked):
                    message = "Keys for idempotent requests can only be used with the same parameters."
                    raise Refusal(400, "idempotency_error", message)
                return 200, first, {"Idempotent-Replayed": "true"}
            answered = answer(self.world, method, path, asked)
        except Refusal as refusal:
            return refusal.status, refusal.body, {"Stripe-Should-Retry": "false"}
        if key:
            self.world.answers[key] = (path, asked, answered)
        return 200, answered, {}

    def _page(self, method: str, path: str) -> None:
        name = path.rpartition("/")[2]
        if path.startswith("/portal/"):
            portal = self.world.get("billing_portal.session", name)
            self._send(200, PORTAL.format(back=html.escape(portal["return_url"])), "text/html", {})
            return
        session = self.world.get("checkout.session", name)
        if method == "POST":
            self.world.pay(name)
            self._send(303, "", "text/html", {"Location": session["success_url"]})
            return
        shown = {"id": name, "amount": session["amount_total"], "currency": session["currency"]}
        self._send(200, PAGE.format(**shown, cancel=html.escape(session["cancel_url"])), "text/html", {})

    def _send(self, status: int, body: str, kind: str, headers: dict[str, str]) -> None:
        encoded = body.encode()
        self.send_response(status)
        for name, value in {
            **headers,
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": len(encoded),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(encoded)
