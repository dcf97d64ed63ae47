"""What Stripe says now becomes what we keep. Each function asks Stripe for one object, compares it with our own order
and applies it; asked again, in any order, at the same time, it changes nothing more.

What it says of itself is trusted only as far as it fits: mode, price, amount and currency must be those of the order.
Money that does not fit is not minutes; it raises Misfit, which the operator reads beside the event.
"""

from datetime import datetime, timedelta

from accounts import stripe_gateway
from accounts.models import Entry, PaymentOrder, Subscription, User
from accounts.services import checkout, offers, purchases
from accounts.stripe_objects import Invoice, Reversal, Session, Subscribed
from stt_site.lib.errors import ServiceError

RENEWAL_GRACE = timedelta(days=1)
"""Stripe takes the money of a new period an hour or more after the old one ended."""
WITHDRAWN = ("needs_response", "under_review", "lost")
"""A dispute's states in which the money is gone. The warning_… states are questions; no money moves."""
REFUNDED = ("pending", "succeeded", "requires_action")
PURCHASING = ("subscription_create", "subscription_cycle")
"""An invoice's reasons that buy a period. A change in mid-period is settled in money alone."""


class NotOurs(Exception):
    """It has nothing to do with this server. Stripe accounts have other uses."""


class Misfit(Exception):
    """It claims to be ours and does not fit."""


def apply_session(session_id: str) -> None:
    _session(stripe_gateway.session(session_id))


def apply_payment(payment_id: str) -> None:
    """Through the session that it was made on, because only that names the price."""
    payment = stripe_gateway.payment(payment_id)
    if not payment.order:
        invoice_id = stripe_gateway.invoice_of(payment_id)
        if not invoice_id:
            raise NotOurs("A payment that was not begun here.")
        apply_invoice(invoice_id)
        return
    session = stripe_gateway.session_of(payment_id)
    if session is None:
        raise Misfit(
            f"{payment_id} names order {payment.order}, but it was not made on a page that this server opened."
        )
    _session(session)


def apply_invoice(invoice_id: str) -> None:
    invoice = stripe_gateway.invoice(invoice_id)
    if not invoice.subscription:
        raise NotOurs("Not an invoice of a subscription. (That of a pack follows its payment.)")
    subscribed = stripe_gateway.subscription(invoice.subscription)
    first = _order(subscribed.order, subscribed.seal)
    _subscription(subscribed, first)
    if not invoice.paid or not invoice.amount or invoice.reason not in PURCHASING:
        raise NotOurs(f"An invoice that buys no period: {invoice.reason or 'no reason'}, {invoice.amount} paid.")
    if not invoice.payment:
        raise Misfit(f"{invoice_id} was not paid by one payment at Stripe: grant its minutes by hand.")
    if PaymentOrder.objects.filter(payment_intent=invoice.payment, state=PaymentOrder.State.PAID).exists():
        return
    order = first if invoice.reason == PURCHASING[0] else _renewal(first, invoice)
    _check(order, invoice.livemode, invoice.prices, invoice.amount, invoice.currency)
    ends = invoice.period_end + RENEWAL_GRACE if order.ends_with_period and invoice.period_end else None
    _credit(order, invoice.payment, ends)


def apply_subscription(subscription_id: str) -> None:
    subscribed = stripe_gateway.subscription(subscription_id)
    _subscription(subscribed, _order(subscribed.order, subscribed.seal))


def apply_refund(refund_id: str) -> None:
    _refund(stripe_gateway.refund(refund_id))


def apply_refunds_of(charge_id: str) -> None:
    for refund in stripe_gateway.refunds_of(charge_id):
        _refund(refund)


def apply_dispute(dispute_id: str) -> None:
    dispute = stripe_gateway.dispute(dispute_id)
    if dispute.status in WITHDRAWN:
        _reverse(dispute, "stripe:dp", Entry.Kind.DISPUTE, takes=True)
    elif dispute.status == "won":
        _reverse(dispute, "stripe:dp", Entry.Kind.DISPUTE, takes=False)


def _refund(refund: Reversal) -> None:
    _reverse(refund, "stripe:re", Entry.Kind.REFUND, takes=refund.status in REFUNDED)


def _session(session: Session) -> None:
    order = _order(session.order, session.seal)
    if order.session_id is None:
        PaymentOrder.objects.filter(pk=order.pk, session_id=None).update(session_id=session.id)
    unpaid = PaymentOrder.objects.filter(pk=order.pk).exclude(state=PaymentOrder.State.PAID)
    if session.invoice and session.subscription and session.paid:
        apply_invoice(session.invoice)
    elif session.paid and session.payment and session.payment.succeeded:
        payment = session.payment
        _check(order, session.livemode, session.prices, session.amount, session.currency)
        _check(order, payment.livemode, session.prices, payment.received, payment.currency)
        _credit(order, payment.id, None)
    elif session.status == "expired":
        unpaid.filter(state=PaymentOrder.State.OPEN).update(state=PaymentOrder.State.EXPIRED)
    elif session.status == "complete" and session.payment and session.payment.reason:
        unpaid.update(state=PaymentOrder.State.FAILED, reason=session.payment.reason[:500])


def _order(key: str, seal: str) -> PaymentOrder:
    if not key:
        raise NotOurs("It names no order of this server.")
    order = PaymentOrder.objects.filter(key=key).first() or checkout.restore(key, seal)
    if order is None:
        raise Misfit(f"It names order {key}, which is not known here: refund it, or grant its minutes by hand.")
    return order


def _renewal(first: PaymentOrder, invoice: Invoice) -> PaymentOrder:
    """The order of a later period, at the price that the subscription has now."""
    price_id = invoice.prices[0] if len(invoice.prices) == 1 else ""
    if price_id == first.price_id:
        terms = {
            name: getattr(first, name)
            for name in ("owner_id", "name", "amount_minor", "currency", "amount_mc", "ends_with_period", "livemode")
        }
        terms |= {"kind": first.kind, "price_id": first.price_id}
        return PaymentOrder.objects.get_or_create(key=invoice.id, defaults=terms)[0]
    try:
        chosen = offers.offer(price_id) if price_id else None
    except ServiceError as error:
        if error.status != 404:
            raise
        chosen = None
    if chosen is None:
        raise Misfit(f"{invoice.id} is for {', '.join(invoice.prices) or 'nothing'}, which is not for sale here.")
    known = PaymentOrder.objects.filter(key=invoice.id).first()
    return known or checkout.create_order(first.owner_id, chosen, invoice.id)


def _subscription(now: Subscribed, order: PaymentOrder) -> None:
    if now.livemode != stripe_gateway.livemode():
        raise Misfit(f"{now.id} is of the other mode.")
    Subscription.objects.update_or_create(
        stripe_id=now.id,
        defaults={
            "owner_id": order.owner_id,
            "name": order.name,
            "price_id": now.price,
            "status": now.status[:20],
            "cancels": now.cancels,
            "period_end": now.period_end,
            "livemode": now.livemode,
        },
    )


def _check(order: PaymentOrder, live: bool, prices: tuple[str, ...], amount: int, currency: str) -> None:
    if not live == order.livemode == stripe_gateway.livemode():
        raise Misfit(f"Order {order.key}: the payment is of the other mode.")
    if prices != (order.price_id,):
        raise Misfit(f"Order {order.key} is for {order.price_id}, and {', '.join(prices) or 'nothing'} was paid for.")
    if (amount, currency) != (order.amount_minor, order.currency):
        agreed = offers.money(order.amount_minor, order.currency)
        raise Misfit(f"Order {order.key} is for {agreed}, and {offers.money(amount, currency)} was paid.")


def _credit(order: PaymentOrder, payment_id: str, ends_at: datetime | None) -> None:
    if not User.objects.filter(pk=order.owner_id, erasing_since=None).exists():
        raise Misfit(f"Order {order.key} is of an account that is gone: refund {payment_id}.")
    try:
        purchases.credit(order, payment_id, ends_at)
    except purchases.PaidTwice as error:
        raise Misfit(f"{error} Refund it, or grant its minutes by hand.") from error


def _reverse(reversal: Reversal, prefix: str, kind: Entry.Kind, *, takes: bool) -> None:
    if not reversal.payment:
        raise NotOurs("Of a payment that was not begun here.")
    paid = PaymentOrder.objects.filter(payment_intent=reversal.payment, state=PaymentOrder.State.PAID)
    if not paid.exists():
        # The payment's own event may be late. Where it is not ours, this raises.
        apply_payment(reversal.payment)
    if not paid.exists():
        raise NotOurs("Of a payment that never came.")
    move = purchases.take_back if takes else purchases.give_back
    move(reversal.payment, f"{prefix}:{reversal.id}", kind, reversal.amount)
