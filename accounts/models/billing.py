"""What is kept of payments. Money is in the currency's smallest unit, as Stripe counts it; minutes are in millicredits.

Owners are plain numbers, as in the ledger: what was paid stays explained when the account is gone.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q


class StripeCustomer(models.Model):
    """Who a user is to Stripe. A test key and a live key see different customers."""

    owner_id = models.BigIntegerField()
    livemode = models.BooleanField()
    stripe_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner_id", "livemode"], name="one_customer_a_mode")]

    def __str__(self) -> str:
        return f"{self.stripe_id} is user {self.owner_id}"


class PaymentOrder(models.Model):
    """What somebody agreed to pay, and for how many minutes: written before Stripe hears of it, and what a payment
    is measured by. A renewed subscription writes one for each invoice."""

    class Kind(models.TextChoices):
        PACK = "pack"
        SUBSCRIPTION = "subscription"

    class State(models.TextChoices):
        OPEN = "open"
        PAID = "paid"
        FAILED = "failed"
        EXPIRED = "expired"

    key = models.CharField("its name to Stripe and in addresses", max_length=64, unique=True)
    owner_id = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField("what Stripe calls the product", max_length=250)
    price_id = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    amount_mc = models.BigIntegerField()
    ends_with_period = models.BooleanField(default=False)
    livemode = models.BooleanField()
    session_id = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001 (NULLs may repeat, "" may not)
    payment_intent = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    reason = models.CharField("why it was not paid, in the bank's words", max_length=500, blank=True)
    refunded_minor = models.BigIntegerField("refunded or disputed", default=0)
    taken_back_mc = models.BigIntegerField("taken back for that", default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0, amount_mc__gt=0), name="order_is_for_something"),
            models.CheckConstraint(
                condition=Q(taken_back_mc__gte=0, taken_back_mc__lte=F("amount_mc")), name="taken_back_within_order"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("amount_minor")), name="refund_within_order"
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(payment_intent__isnull=False), name="paid_order_names_its_payment"
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.key} {self.state}"

    @property
    def reference(self) -> str:
        return f"order:{self.pk}"


class Subscription(models.Model):
    """What Stripe last said of one."""

    LIVING = ("active", "trialing", "past_due", "unpaid", "paused")
    ACTIVE = ("active", "trialing")

    owner_id = models.BigIntegerField(db_index=True)
    stripe_id = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=250)
    price_id = models.CharField(max_length=255)
    status = models.CharField(max_length=20)
    cancels = models.BooleanField("ends with the period", default=False)
    period_end = models.DateTimeField(null=True)
    livemode = models.BooleanField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.stripe_id} {self.status}"


class StripeEvent(models.Model):
    """That Stripe told us to look at something. What it is, Stripe is asked again; so nothing else is kept of it."""

    class Outcome(models.TextChoices):
        WAITING = "waiting"
        APPLIED = "applied"
        IGNORED = "ignored"
        REFUSED = "refused"

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255)
    livemode = models.BooleanField()
    created_at = models.DateTimeField("at Stripe")
    received_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.WAITING)
    note = models.CharField("why it had no effect, or why it waits", max_length=500, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["outcome", "not_before"])]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Reconciliation(models.Model):
    """One comparison of what Stripe remembers with what was heard."""

    days = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    seen = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField("events that had not come", default=0)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"the last {self.days} days, {self.started_at:%Y-%m-%d %H:%M}"
