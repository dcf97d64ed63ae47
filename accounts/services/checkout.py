"""From a button on our page to Stripe's: an order row first, then a customer and a session made for it.

Stripe hears of an order under keys of its own, so a button pressed twice, or an answer that was lost, makes nothing
twice. No call to Stripe is made inside a transaction.
"""

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from accounts import stripe_gateway
from accounts.models import PaymentOrder, StripeCustomer, Subscription, User
from accounts.services import offers
from accounts.services.offers import Offer
from accounts.stripe_gateway import NoSuchObject
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id

KEY_LENGTH = 22
SEAL = signing.Signer(salt="steno.order")
SUBSCRIBED = "You have a subscription already. Nothing was charged; change it on the page of the payment provider."


def new_key() -> str:
    return new_id(KEY_LENGTH)


def begin(user: User, price_id: str, key: str) -> str:
    """The address of the page to pay on. A second call with the same key leads to the same page."""
    order = PaymentOrder.objects.filter(key=key).first()
    if order is None:
        order = _create(user, offers.offer(price_id), key)
    if order.owner_id != user.pk or order.price_id != price_id:
        raise ServiceError(ErrorCode.CONFLICT, "The form came incomplete. Nothing was charged; open the page again.")
    if order.state != PaymentOrder.State.OPEN:
        raise ServiceError(ErrorCode.CONFLICT, "That purchase was finished before. Nothing more was charged.")
    try:
        return _session_url(user, order, customer_id(user))
    except NoSuchObject as missing:
        if "customer" not in str(missing):
            raise offers.gone() from missing
        # Somebody deleted the customer at Stripe.
        StripeCustomer.objects.filter(owner_id=user.pk, livemode=order.livemode).delete()
        return _session_url(user, order, customer_id(user, again=order.key))


def portal_url(user: User, return_to: str) -> str:
    customer = StripeCustomer.objects.filter(owner_id=user.pk, livemode=stripe_gateway.livemode()).first()
    if customer is None:
        raise ServiceError(ErrorCode.NOT_FOUND, "There are no invoices yet: nothing was bought from this account.")
    try:
        return stripe_gateway.portal(customer.stripe_id, return_to, f"steno-portal-{new_key()}")
    except NoSuchObject as error:
        raise ServiceError(ErrorCode.NOT_FOUND, "The payment provider has no record of this account.") from error


def is_customer(user: User) -> bool:
    return StripeCustomer.objects.filter(owner_id=user.pk, livemode=stripe_gateway.livemode()).exists()


def customer_id(user: User, again: str = "") -> str:
    livemode = stripe_gateway.livemode()
    known = StripeCustomer.objects.filter(owner_id=user.pk, livemode=livemode).first()
    if known is None:
        # The day of joining is part of the key, because ids come back after a backup was restored.
        key = f"steno-customer-{user.pk}-{_joined(user)}-{again}"
        stripe_id = stripe_gateway.create_customer(user.pk, user.email, key)
        known, _ = StripeCustomer.objects.get_or_create(
            owner_id=user.pk, livemode=livemode, defaults={"stripe_id": stripe_id}
        )
    return known.stripe_id


def subscription_of(user: User) -> Subscription | None:
    living = Subscription.objects.filter(
        owner_id=user.pk, livemode=stripe_gateway.livemode(), status__in=Subscription.LIVING
    )
    return living.order_by("-pk").first()


def end_subscriptions(user: User) -> None:
    """At Stripe, at once: for an account that is being deleted. Raises PAYMENT_UNAVAILABLE; then one may still run."""
    living = Subscription.objects.filter(owner_id=user.pk, status__in=Subscription.LIVING)
    for each in living.filter(livemode=stripe_gateway.livemode()):
        try:
            status = stripe_gateway.cancel_subscription(each.stripe_id).status
        except NoSuchObject:
            status = "canceled"
        Subscription.objects.filter(pk=each.pk).update(status=status)


def seal(order: PaymentOrder, user: User) -> str:
    """The order's terms under our own signature, kept at Stripe: a database restored from before the order has them."""
    terms = (
        order.owner_id,
        _joined(user),
        order.kind,
        order.name[:60],
        order.price_id,
        order.amount_minor,
        order.currency,
        order.amount_mc,
        int(order.ends_with_period),
        int(order.livemode),
    )
    # Without the time: Stripe refuses a second request under one key that is not the first one's double.
    return SEAL.sign_object((order.key, *terms))


def restore(key: str, sealed: str) -> PaymentOrder | None:
    """The order of a seal, where this database does not know it. None for a seal that is not ours, or whose account is
    not here."""
    try:
        name, owner_id, joined, kind, title, price_id, minor, currency, mc, ends, live = SEAL.unsign_object(sealed)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=owner_id).first()
    if name != key or user is None or _joined(user) != joined:
        return None
    terms = {
        "owner_id": owner_id,
        "kind": kind,
        "name": title,
        "price_id": price_id,
        "amount_minor": minor,
        "currency": currency,
        "amount_mc": mc,
        "ends_with_period": bool(ends),
        "livemode": bool(live),
    }
    return PaymentOrder.objects.get_or_create(key=key, defaults=terms)[0]


def _create(user: User, chosen: Offer, key: str) -> PaymentOrder:
    if chosen.kind == PaymentOrder.Kind.SUBSCRIPTION and subscription_of(user):
        raise ServiceError(ErrorCode.CONFLICT, SUBSCRIBED)
    try:
        with transaction.atomic():
            return create_order(user.pk, chosen, key)
    except IntegrityError:
        # The button was pressed twice at the same moment.
        return PaymentOrder.objects.get(key=key)


def create_order(owner_id: int, chosen: Offer, key: str) -> PaymentOrder:
    return PaymentOrder.objects.create(
        key=key,
        owner_id=owner_id,
        kind=chosen.kind,
        name=chosen.name,
        price_id=chosen.price_id,
        amount_minor=chosen.amount,
        currency=chosen.currency,
        amount_mc=offers.millicredits(chosen),
        ends_with_period=chosen.ends_with_period,
        livemode=stripe_gateway.livemode(),
    )


def _session_url(user: User, order: PaymentOrder, customer: str) -> str:
    session = stripe_gateway.create_session(
        customer=customer,
        price_id=order.price_id,
        order=order.key,
        seal=seal(order, user),
        subscription=order.kind == PaymentOrder.Kind.SUBSCRIPTION,
        success_url=f"{settings.SITE_URL}/billing/orders/{order.key}/",
        cancel_url=f"{settings.SITE_URL}/billing/?cancelled",
    )
    PaymentOrder.objects.filter(pk=order.pk).update(session_id=session.id)
    return session.url


def _joined(user: User) -> int:
    return int(user.date_joined.timestamp())
