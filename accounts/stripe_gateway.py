"""The only module that speaks to Stripe. Values go in, values of accounts.stripe_objects come out; what goes wrong is a
ServiceError. Every POST carries an idempotency key, so that it may be sent again when its answer was lost."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

import stripe
from django.conf import settings

from accounts import stripe_objects as objects
from accounts.stripe_objects import ORDER, SEAL, Event, Invoice, Payment, Price, Reversal, Session, Subscribed
from stt_site.lib.errors import ErrorCode, ServiceError

logger = logging.getLogger(__name__)
TIMEOUT = (5.0, 15.0)
"""Seconds to connect, and to wait for an answer."""
RETRIES = 2
TOLERANCE = 300
"""Seconds that the clock of a signature may be off, either way."""
MOST_PRICES = 200
MOST_EVENTS = 10_000


class NoSuchObject(Exception):
    """Stripe does not know that id, under this key."""


class NotStripe(Exception):
    """A message that Stripe did not sign, or not for this server."""


def enabled() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


def livemode() -> bool:
    return enabled() and "_live_" in settings.STRIPE_SECRET_KEY


def prices() -> list[Price]:
    """All that are for sale, ours and others."""
    with _errors():
        found = _client().v1.prices.list({"active": True, "limit": 100, "expand": ["data.product"]})
        return [objects.price(_raw(each)) for each in islice(found.auto_paging_iter(), MOST_PRICES)]


def price(price_id: str) -> Price:
    with _errors():
        return objects.price(_raw(_client().v1.prices.retrieve(price_id, {"expand": ["product"]})))


def create_customer(owner_id: int, email: str, key: str) -> str:
    with _errors():
        params: Any = {"email": email, "metadata": {"steno_user": str(owner_id)}}
        return _client().v1.customers.create(params, {"idempotency_key": key}).id


def create_session(
    *, customer: str, price_id: str, order: str, seal: str, subscription: bool, success_url: str, cancel_url: str
) -> Session:
    """Stripe's own page to pay on. The same order gives the same session, for a day."""
    metadata = {ORDER: order, SEAL: seal}
    params: Any = {
        "mode": "subscription" if subscription else "payment",
        "customer": customer,
        "client_reference_id": order,
        "line_items": [{"price": price_id, "quantity": 1}],
        "metadata": metadata,
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    if subscription:
        params["subscription_data"] = {"metadata": metadata}
    else:
        params["payment_intent_data"] = {"metadata": metadata}
        params["invoice_creation"] = {"enabled": True}
    with _errors():
        made = _client().v1.checkout.sessions.create(params, {"idempotency_key": f"steno-session-{order}-{customer}"})
        return objects.session(_raw(made))


def session(session_id: str) -> Session:
    with _errors():
        params: Any = {"expand": ["payment_intent", "line_items"]}
        return objects.session(_raw(_client().v1.checkout.sessions.retrieve(session_id, params)))


def session_of(payment: str) -> Session | None:
    """The one that a payment was made on."""
    with _errors():
        params: Any = {"payment_intent": payment, "limit": 1, "expand": ["data.payment_intent", "data.line_items"]}
        found = _client().v1.checkout.sessions.list(params).data
        return objects.session(_raw(found[0])) if found else None


def invoice_of(payment: str) -> str:
    """The id of the invoice that a payment was for, or "" where there is none."""
    with _errors():
        params: Any = {"payment": {"type": "payment_intent", "payment_intent": payment}, "limit": 1}
        found = _client().v1.invoice_payments.list(params).data
        return str(_raw(found[0])["invoice"]) if found else ""


def portal(customer: str, return_url: str, key: str) -> str:
    """The address of Stripe's page with a customer's invoices, cards and subscription; good for a few minutes."""
    with _errors():
        params: Any = {"customer": customer, "return_url": return_url}
        return _client().v1.billing_portal.sessions.create(params, {"idempotency_key": key}).url


def payment(payment_id: str) -> Payment:
    with _errors():
        return objects.payment(_raw(_client().v1.payment_intents.retrieve(payment_id)))


def refund(refund_id: str) -> Reversal:
    with _errors():
        return objects.reversal(_raw(_client().v1.refunds.retrieve(refund_id)))


def refunds_of(charge_id: str) -> list[Reversal]:
    with _errors():
        found = _client().v1.refunds.list({"charge": charge_id, "limit": 100})
        return [objects.reversal(_raw(each)) for each in found.data]


def dispute(dispute_id: str) -> Reversal:
    with _errors():
        return objects.reversal(_raw(_client().v1.disputes.retrieve(dispute_id)))


def invoice(invoice_id: str) -> Invoice:
    with _errors():
        return objects.invoice(_raw(_client().v1.invoices.retrieve(invoice_id, {"expand": ["payments"]})))


def subscription(subscription_id: str) -> Subscribed:
    with _errors():
        return objects.subscribed(_raw(_client().v1.subscriptions.retrieve(subscription_id)))


def cancel_subscription(subscription_id: str) -> Subscribed:
    with _errors():
        return objects.subscribed(_raw(_client().v1.subscriptions.cancel(subscription_id)))


def events(since: datetime, types: Sequence[str]) -> list[Event]:
    """What Stripe told since then, oldest first. It remembers 30 days."""
    with _errors():
        params: Any = {"created": {"gte": int(since.timestamp())}, "types": list(types), "limit": 100}
        found = _client().v1.events.list(params).auto_paging_iter()
        return [objects.event(_raw(each)) for each in islice(found, MOST_EVENTS)][::-1]


def signed_event(body: bytes, signature: str) -> Event:
    """Raises NotStripe. The library lets signatures from the future pass, and trips over odd bytes."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE)
        moment = next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
        if moment > time.time() + TOLERANCE:
            raise NotStripe("signed in the future")
        event = objects.event(json.loads(body))
    except (stripe.SignatureVerificationError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise NotStripe(type(error).__name__) from error
    if event.livemode != livemode():
        raise NotStripe("of the other mode")
    return event


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NoSuchObject(error.param or "") from error
        logger.error("Stripe refused a request: %s", error)
        raise ServiceError(ErrorCode.PAYMENT_UNAVAILABLE, REFUSED) from error
    except stripe.IdempotencyError as error:
        message = "This order was changed since it was begun. Nothing was charged; choose again on the billing page."
        raise ServiceError(ErrorCode.CONFLICT, message) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        logger.error("Stripe does not accept STT_STRIPE_SECRET_KEY: %s", error)
        raise ServiceError(ErrorCode.PAYMENT_UNAVAILABLE, REFUSED) from error
    except stripe.StripeError as error:
        logger.warning("Stripe does not answer as it should: %s", error)
        raise ServiceError(ErrorCode.PAYMENT_UNAVAILABLE) from error


REFUSED = (
    "The payment provider refused what this server asked for. Nothing was charged. The administrator finds the reason "
    "in the server's log."
)


def _raw(found: stripe.StripeObject) -> dict[str, Any]:
    return found.to_dict()


def _client() -> stripe.StripeClient:
    if not enabled():
        raise ServiceError(ErrorCode.NOT_FOUND, "This server takes no payments.")
    return _made(settings.STRIPE_SECRET_KEY, settings.STRIPE_API)


@cache
def _made(key: str, address: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": address} if address else {},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )
