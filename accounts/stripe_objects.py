"""What we read of Stripe's objects. Amounts are in the currency's smallest unit, moments in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]

ORDER = "steno_order"
SEAL = "steno_seal"
"""The metadata that we send with a sale and read back: the order's key, and its terms under our own signature."""


@dataclass(frozen=True, slots=True)
class Price:
    id: str
    active: bool
    livemode: bool
    name: str
    metadata: Mapping[str, str]
    """Of the price; what it does not say, its product may."""
    amount: int | None
    currency: str
    interval: str
    """"" for what is bought once, else such as "month"."""
    interval_count: int


@dataclass(frozen=True, slots=True)
class Payment:
    id: str
    succeeded: bool
    received: int
    currency: str
    livemode: bool
    order: str
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    url: str
    livemode: bool
    status: str
    paid: bool
    amount: int
    currency: str
    order: str
    seal: str
    prices: tuple[str, ...]
    """One id for each piece that is bought."""
    payment: Payment | None
    invoice: str
    subscription: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """A refund or a dispute of a payment."""

    id: str
    payment: str
    amount: int
    livemode: bool | None
    """Refunds do not say."""
    status: str


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    livemode: bool
    paid: bool
    reason: str
    amount: int
    currency: str
    subscription: str
    prices: tuple[str, ...]
    period_end: datetime | None
    payment: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    id: str
    livemode: bool
    status: str
    price: str
    cancels: bool
    period_end: datetime | None
    order: str
    seal: str


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    type: str
    created: datetime
    livemode: bool
    object_id: str


def price(raw: Raw) -> Price:
    product = raw.get("product")
    product = product if isinstance(product, Mapping) else {}
    recurring = raw.get("recurring") or {}
    return Price(
        id=raw["id"],
        active=bool(raw.get("active")) and bool(product.get("active", True)),
        livemode=bool(raw["livemode"]),
        name=str(product.get("name") or raw.get("nickname") or raw["id"]),
        metadata={**(product.get("metadata") or {}), **(raw.get("metadata") or {})},
        amount=raw.get("unit_amount") if raw.get("billing_scheme", "per_unit") == "per_unit" else None,
        currency=raw["currency"],
        interval=str(recurring.get("interval") or ""),
        interval_count=int(recurring.get("interval_count") or 1),
    )


def payment(raw: Raw) -> Payment:
    failure = raw.get("last_payment_error") or {}
    return Payment(
        id=raw["id"],
        succeeded=raw["status"] == "succeeded",
        received=int(raw.get("amount_received") or 0),
        currency=raw["currency"],
        livemode=bool(raw["livemode"]),
        order=_metadata(raw, ORDER),
        reason=str(failure.get("message") or ""),
    )


def session(raw: Raw) -> Session:
    items = (raw.get("line_items") or {}).get("data") or []
    paid_by = raw.get("payment_intent")
    return Session(
        id=raw["id"],
        url=str(raw.get("url") or ""),
        livemode=bool(raw["livemode"]),
        status=str(raw.get("status") or ""),
        paid=raw.get("payment_status") == "paid",
        amount=int(raw.get("amount_total") or 0),
        currency=str(raw.get("currency") or ""),
        order=_metadata(raw, ORDER),
        seal=_metadata(raw, SEAL),
        prices=tuple(_id(item.get("price")) for item in items for _ in range(int(item.get("quantity") or 0))),
        payment=payment(paid_by) if isinstance(paid_by, Mapping) else None,
        invoice=_id(raw.get("invoice")),
        subscription=_id(raw.get("subscription")),
    )


def reversal(raw: Raw) -> Reversal:
    return Reversal(
        id=raw["id"],
        payment=_id(raw.get("payment_intent")),
        amount=int(raw["amount"]),
        livemode=raw.get("livemode"),
        status=str(raw.get("status") or ""),
    )


def invoice(raw: Raw) -> Invoice:
    lines = (raw.get("lines") or {}).get("data") or []
    subscribed = ((raw.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    payments = (raw.get("payments") or {}).get("data") or []
    paid_by = [_id(each["payment"].get("payment_intent")) for each in payments if each.get("status") == "paid"]
    ends = [line["period"]["end"] for line in lines if line.get("period")]
    return Invoice(
        id=raw["id"],
        livemode=bool(raw["livemode"]),
        paid=raw.get("status") == "paid",
        reason=str(raw.get("billing_reason") or ""),
        amount=int(raw.get("amount_paid") or 0),
        currency=raw["currency"],
        subscription=_id(subscribed),
        prices=tuple(_line_price(line) for line in lines for _ in range(int(line.get("quantity") or 0))),
        period_end=_moment(max(ends, default=None)),
        payment=paid_by[0] if len(paid_by) == 1 else "",
    )


def subscribed(raw: Raw) -> Subscribed:
    items = (raw.get("items") or {}).get("data") or []
    first = items[0] if items else {}
    return Subscribed(
        id=raw["id"],
        livemode=bool(raw["livemode"]),
        status=raw["status"],
        price=_id(first.get("price")),
        cancels=bool(raw.get("cancel_at_period_end") or raw.get("cancel_at")),
        period_end=_moment(first.get("current_period_end")),
        order=_metadata(raw, ORDER),
        seal=_metadata(raw, SEAL),
    )


def event(raw: Raw) -> Event:
    return Event(
        id=str(raw["id"]),
        type=str(raw["type"]),
        created=datetime.fromtimestamp(int(raw["created"]), UTC),
        livemode=raw["livemode"] is True,
        object_id=str(raw["data"]["object"].get("id") or ""),
    )


def _line_price(line: Raw) -> str:
    return _id(((line.get("pricing") or {}).get("price_details") or {}).get("price"))


def _metadata(raw: Raw, name: str) -> str:
    return str((raw.get("metadata") or {}).get(name) or "")


def _id(value: Any) -> str:
    """Of an object, or the id that stands for it where it was not expanded."""
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
