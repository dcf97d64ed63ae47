"""What can be bought. Names, amounts and currencies are Stripe's; how many minutes a price buys is what the operator
says: in the price's metadata (`steno_minutes`), or in STT_STRIPE_PRICES. Nothing here invents either."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from accounts import stripe_gateway
from accounts.models import PaymentOrder
from accounts.services.ledger import MILLICREDITS
from accounts.stripe_gateway import NoSuchObject
from accounts.stripe_objects import Price
from stt_site.lib.errors import ErrorCode, ServiceError

logger = logging.getLogger(__name__)
FRESH_SECONDS = 300
MINUTES = re.compile(r"[1-9][0-9]{0,7}")
"""Up to 190 years; anything else is a slip of the pen."""
SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}
WHOLE = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"]
)
"""Currencies whose smallest unit is the unit. (Stripe's list.)"""
THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


@dataclass(frozen=True, slots=True)
class Offer:
    price_id: str
    name: str
    minutes: int
    amount: int
    currency: str
    interval: str
    """In words, such as "month"; "" for a pack."""
    ends_with_period: bool

    @property
    def kind(self) -> PaymentOrder.Kind:
        return PaymentOrder.Kind.SUBSCRIPTION if self.interval else PaymentOrder.Kind.PACK

    @property
    def price(self) -> str:
        return money(self.amount, self.currency)

    @property
    def price_an_hour(self) -> str:
        return money((self.amount * 60 * 2 + self.minutes) // (2 * self.minutes), self.currency)


def offers() -> list[Offer]:
    """Packs before subscriptions, small ones first. A few minutes old at most. Raises PAYMENT_UNAVAILABLE."""
    if not stripe_gateway.enabled():
        return []
    key = f"offers:{stripe_gateway.livemode()}"
    found: list[Offer] | None = cache.get(key)
    if found is None:
        configured = _configured()
        prices = _known(configured) if configured else stripe_gateway.prices()
        known = (_offer(price, configured) for price in prices)
        found = sorted((each for each in known if each), key=lambda each: (each.interval, each.minutes, each.amount))
        cache.set(key, found, FRESH_SECONDS)
    return found


def offer(price_id: str) -> Offer:
    """As Stripe has it at this moment. Raises NOT_FOUND for what is not, or no longer, for sale here."""
    configured = _configured()
    if configured and price_id not in configured:
        raise gone()
    try:
        found = _offer(stripe_gateway.price(price_id), configured)
    except NoSuchObject as error:
        raise gone() from error
    if found is None:
        raise gone()
    return found


def gone() -> ServiceError:
    return ServiceError(ErrorCode.NOT_FOUND, "That is not for sale here any more. Nothing was charged.")


def money(amount: int, currency: str) -> str:
    """1250 of "usd" is $12.50; of "jpy" it is JPY 1,250."""
    decimals = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    whole, part = divmod(amount, 10**decimals)
    number = f"{whole:,}.{part:0{decimals}}" if decimals else f"{whole:,}"
    return f"{SIGNS[currency]}{number}" if currency in SIGNS else f"{currency.upper()} {number}"


def _configured() -> dict[str, str]:
    pairs = (each.partition("=") for each in settings.STRIPE_PRICES)
    return {price_id.strip(): minutes.strip() for price_id, _, minutes in pairs}


def _known(configured: Mapping[str, str]) -> list[Price]:
    found = []
    for price_id in configured:
        try:
            found.append(stripe_gateway.price(price_id))
        except NoSuchObject:
            logger.error("STT_STRIPE_PRICES names %s, which Stripe does not know under this key.", price_id)
    return found


def _offer(price: Price, configured: Mapping[str, str]) -> Offer | None:
    minutes = configured.get(price.id) or price.metadata.get("steno_minutes", "")
    if not minutes:
        return None
    if not MINUTES.fullmatch(minutes):
        logger.error("%s is to buy %r minutes, which is no such number; it is not offered.", price.id, minutes)
        return None
    if not price.active or not price.amount or price.livemode != stripe_gateway.livemode():
        return None
    interval = price.interval if price.interval_count == 1 else f"{price.interval_count} {price.interval}s"
    return Offer(
        price_id=price.id,
        name=price.name[:250],
        minutes=int(minutes),
        amount=price.amount,
        currency=price.currency,
        interval=interval if price.interval else "",
        ends_with_period=bool(price.interval) and price.metadata.get("steno_minutes_end") != "never",
    )


def millicredits(chosen: Offer) -> int:
    return chosen.minutes * MILLICREDITS
