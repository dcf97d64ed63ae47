"""A customer of the tests: buys on our page, pays on the double's, and the double tells us about it."""

import json
import re
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.test import Client
from django_q.models import OrmQ

from accounts import tasks
from accounts.models import PaymentOrder, StripeEvent, User
from accounts.services import stripe_events
from stt_site.lib import queue
from tests.stripe_double.server import SECRET, Double, sign
from tests.stripe_double.world import Object, World, public

WEBHOOK = "/stripe/webhook/"


class Customer:
    def __init__(self, double: Double, user: User) -> None:
        self.double = double
        self.user = user
        self.browser = Client()
        self.browser.force_login(user)

    @property
    def world(self) -> World:
        return self.double.world

    def form(self, price_id: str) -> dict[str, str]:
        """What the page would send back for that price."""
        cache.clear()
        html = self.browser.get("/billing/").content.decode()
        found = re.search(rf'name="price" value="{price_id}"><input type="hidden" name="order" value="(\w+)"', html)
        assert found, html
        return {"price": price_id, "order": found[1]}

    def press(self, form: dict[str, str]) -> Any:
        return self.browser.post("/billing/buy/", form)

    def begin(self, price_id: str) -> Object:
        """Presses the button. Returns the session that it leads to."""
        answer = self.press(self.form(price_id))
        assert answer.status_code == 302, answer.content
        return self.world.objects[answer["Location"].rpartition("/")[2]]

    def buy(self, price_id: str) -> PaymentOrder:
        """From the button to the minutes."""
        session = self.begin(price_id)
        self.world.pay(session["id"])
        self.hear()
        return PaymentOrder.objects.get(session_id=session["id"])

    def hear(self, events: Iterable[Object] | None = None) -> None:
        """The double sends, all that it has not yet sent or these; a worker takes each."""
        for event in list(self.world.events) if events is None else events:
            assert deliver(event).status_code == 200
        work()


def deliver(event: Object, **signing: Any) -> Any:
    body = json.dumps(public(event)).encode()
    return post(body, sign(body, signing.get("secret", SECRET), signing.get("moment")))


def post(body: bytes, signature: str) -> Any:
    headers = {"Stripe-Signature": signature} if signature else {}
    return Client().post(WEBHOOK, body, "application/json", headers=headers)


def work() -> None:
    """What a worker does with the messages that wait."""
    for pk in sorted(queue.pending(stripe_events.APPLY)):
        tasks.apply_stripe_event(pk)
    OrmQ.objects.all().delete()


def notes() -> list[str]:
    """Of events that were refused."""
    refused = StripeEvent.objects.filter(outcome=StripeEvent.Outcome.REFUSED).order_by("pk")
    return list(refused.values_list("note", flat=True))
