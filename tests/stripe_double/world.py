"""What this Stripe remembers, and what can happen in it. Plain dictionaries in the shapes of its API."""

import copy
import itertools
import threading
import time
from typing import Any

Object = dict[str, Any]
MONTH = 30 * 86400


class Refusal(Exception):
    def __init__(self, status: int, kind: str, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, "code": code, "param": param}}


class World:
    """`key` is the only secret key that is accepted. Everything happens under one lock."""

    def __init__(self, key: str = "sk_test_double", address: str = "") -> None:
        self.key = key
        self.address = address
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        self.objects: dict[str, Object] = {}
        self.events: list[Object] = []
        self.answers: dict[str, tuple[str, Object, Object]] = {}
        self.drop_answers = 0
        """How many of the next POSTs are carried out and never answered."""
        self.is_down = False
        self.requests: list[tuple[str, str, Object]] = []
        self._numbers = itertools.count(1)

    @property
    def livemode(self) -> bool:
        return "_live_" in self.key

    def make(self, prefix: str, kind: str, **fields: Any) -> Object:
        made = {
            "id": f"{prefix}_double{next(self._numbers):05}",
            "object": kind,
            "created": int(time.time()),
            "livemode": self.livemode,
            **fields,
        }
        self.objects[made["id"]] = made
        return made

    def get(self, kind: str, name: str, param: str = "id") -> Object:
        found = self.objects.get(name)
        if found is None or found["object"] != kind:
            raise Refusal(404, "invalid_request_error", f"No such {kind}: '{name}'", "resource_missing", param)
        return found

    def all(self, kind: str) -> list[Object]:
        """Newest first, as Stripe lists."""
        return [each for each in self.objects.values() if each["object"] == kind][::-1]

    def tell(self, kind: str, about: Object) -> Object:
        event = self.make("evt", "event", type=kind, data={"object": copy.deepcopy(public(about))})
        self.events.append(event)
        return event

    # --- what the operator does in the dashboard

    def price(
        self, amount: Any, minutes: Any = None, *, name: str = "Minutes", interval: str = "", **fields: Any
    ) -> Object:
        metadata = {} if minutes is None else {"steno_minutes": str(minutes)}
        product = self.make("prod", "product", name=name, active=True, metadata={})
        return self.make(
            "price",
            "price",
            **{
                "active": True,
                "billing_scheme": "per_unit",
                "currency": "usd",
                "metadata": metadata,
                "product": product["id"],
                "recurring": {"interval": interval, "interval_count": 1} if interval else None,
                "type": "recurring" if interval else "one_time",
                "unit_amount": amount,
                **fields,
            },
        )

    def refund(self, payment: str, amount: int | None = None, status: str = "succeeded") -> Object:
        intent = self.get("payment_intent", payment)
        refund = self.make(
            "re",
            "refund",
            payment_intent=payment,
            charge=intent["latest_charge"],
            amount=intent["amount"] if amount is None else amount,
            currency=intent["currency"],
            status=status,
        )
        del refund["livemode"]  # Stripe's has none either.
        self.tell("refund.created", refund)
        self.tell("charge.refunded", self.objects[intent["latest_charge"]])
        return refund

    def fail_refund(self, refund: Object) -> None:
        refund["status"] = "failed"
        self.tell("refund.failed", refund)

    def dispute(self, payment: str, amount: int | None = None, status: str = "needs_response") -> Object:
        intent = self.get("payment_intent", payment)
        dispute = self.make(
            "dp",
            "dispute",
            payment_intent=payment,
            charge=intent["latest_charge"],
            amount=intent["amount"] if amount is None else amount,
            currency=intent["currency"],
            status=status,
        )
        self.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: Object, *, won: bool) -> None:
        dispute["status"] = "won" if won else "lost"
        self.tell("charge.dispute.closed", dispute)

    # --- what the customer does on the page

    def pay(self, session_id: str, *, later: bool = False) -> Object:
        """Pays a session, or with `later` only orders the transfer. Returns the session."""
        session = self.get("checkout.session", session_id)
        if session["status"] != "open":
            return session
        session |= {"status": "complete", "url": None}
        if session["mode"] == "subscription":
            self._subscribe(session)
        else:
            intent = self._intent(session["amount_total"], session["currency"], session["_intent_metadata"])
            session["payment_intent"] = intent["id"]
            if not later:
                self._succeed(intent, session)
        self.tell("checkout.session.completed", session)
        return session

    def arrive(self, session_id: str) -> None:
        """The transfer that was ordered arrives."""
        session = self.get("checkout.session", session_id)
        self._succeed(self.get("payment_intent", session["payment_intent"]), session)
        self.tell("checkout.session.async_payment_succeeded", session)

    def bounce(self, session_id: str, reason: str) -> None:
        session = self.get("checkout.session", session_id)
        intent = self.get("payment_intent", session["payment_intent"])
        intent |= {"status": "requires_payment_method", "last_payment_error": {"message": reason}}
        self.tell("checkout.session.async_payment_failed", session)

    def expire(self, session_id: str) -> None:
        session = self.get("checkout.session", session_id)
        session |= {"status": "expired", "url": None}
        self.tell("checkout.session.expired", session)

    def renew(self, subscription_id: str, price_id: str | None = None) -> Object:
        """Another period begins and is paid. Returns its invoice."""
        subscription = self.get("subscription", subscription_id)
        item = subscription["items"]["data"][0]
        item["price"] = price_id or item["price"]
        item["current_period_end"] += MONTH
        self.tell("customer.subscription.updated", subscription)
        return self._invoice(subscription, "subscription_cycle")

    def _intent(self, amount: int, currency: str, metadata: Object) -> Object:
        charge = self.make("ch", "charge", amount=amount, currency=currency)
        intent = self.make(
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            status="processing",
            metadata=metadata,
            last_payment_error=None,
            latest_charge=charge["id"],
        )
        charge["payment_intent"] = intent["id"]
        return intent

    def _succeed(self, intent: Object, session: Object | None = None) -> None:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        if session is not None:
            session["payment_status"] = "paid"
        self.tell("payment_intent.succeeded", intent)

    def _subscribe(self, session: Object) -> None:
        price = session["_line_items"]["data"][0]["price"]
        subscription = self.make(
            "sub",
            "subscription",
            status="active",
            customer=session["customer"],
            cancel_at_period_end=False,
            metadata=session["_subscription_metadata"],
        )
        subscription["items"] = {"data": [{"price": price, "current_period_end": int(time.time()) + MONTH}]}
        session["subscription"] = subscription["id"]
        self.tell("customer.subscription.created", subscription)
        session["invoice"] = self._invoice(subscription, "subscription_create")["id"]
        session["payment_status"] = "paid"

    def _invoice(self, subscription: Object, reason: str) -> Object:
        item = subscription["items"]["data"][0]
        price = self.get("price", item["price"])
        intent = self._intent(price["unit_amount"], price["currency"], {})
        line = {
            "quantity": 1,
            "amount": price["unit_amount"],
            "period": {"start": item["current_period_end"] - MONTH, "end": item["current_period_end"]},
            "pricing": {"price_details": {"price": price["id"]}},
        }
        invoice = self.make(
            "in",
            "invoice",
            status="paid",
            billing_reason=reason,
            amount_paid=price["unit_amount"],
            currency=price["currency"],
            lines={"data": [line]},
            parent={"subscription_details": {"subscription": subscription["id"]}},
        )
        paid_by = {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
        payment = self.make("inpay", "invoice_payment", status="paid", invoice=invoice["id"], **paid_by)
        invoice["_payments"] = {"data": [payment]}
        self._succeed(intent)
        self.tell("invoice.paid", invoice)
        return invoice


def public(found: Object) -> Object:
    """As it is answered where nothing is expanded."""
    return {name: value for name, value in found.items() if not name.startswith("_")}
