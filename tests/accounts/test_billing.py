"""Buying: from the button to the minutes, with a Stripe of the tests at the other end of real HTTP."""

import itertools
import random
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import CreditLot, PaymentOrder, Reconciliation, StripeCustomer, StripeEvent, User
from accounts.services import checkout, erasure, ledger, offers, stripe_events
from accounts.services.audit import audit
from accounts.services.plans import plan_of
from stt_site.lib.errors import ServiceError
from tests.accounts.paying import Customer, deliver, notes, work
from tests.stripe_double.world import Object

pytestmark = pytest.mark.django_db
PAID = PaymentOrder.State.PAID


def minutes(user: User) -> int:
    balance = ledger.balance(user)
    assert audit() == []
    return balance.paid_mc // ledger.MILLICREDITS


def test_a_pack_that_is_paid_is_there_to_be_used(customer: Customer) -> None:
    price = customer.world.price(900, 300, name="300 minutes")
    order = customer.buy(price["id"])
    assert (order.state, order.amount_minor, order.currency, order.amount_mc) == (PAID, 900, "usd", 300_000)
    assert minutes(customer.user) == 300
    lot = CreditLot.objects.get(owner_id=customer.user.pk)
    assert (lot.priority, lot.expires_at) == (CreditLot.PAID, None)
    ledger.reserve(customer.user, "job:1", 300_000)
    assert ledger.settle("job:1", 300_000) == 300_000
    assert audit() == []


def test_the_customer_at_stripe_is_one_for_all_purchases(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    for _ in range(2):
        customer.buy(price["id"])
    assert minutes(customer.user) == 600
    assert len(customer.world.all("customer")) == 1
    known = StripeCustomer.objects.get(owner_id=customer.user.pk)
    assert known.stripe_id == customer.world.all("customer")[0]["id"]


def test_a_customer_deleted_at_stripe_is_made_again(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    customer.buy(price["id"])
    del customer.world.objects[customer.world.all("customer")[0]["id"]]
    customer.buy(price["id"])
    assert minutes(customer.user) == 600


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_three_events_of_one_payment_credit_once_in_any_order(customer: Customer, order: tuple[int, ...]) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"], later=True)
    customer.world.arrive(session["id"])
    kinds = ("checkout.session.completed", "checkout.session.async_payment_succeeded", "payment_intent.succeeded")
    told = {event["type"]: event for event in customer.world.events}
    for index in order:
        customer.hear([told[kinds[index]]])
        assert minutes(customer.user) == 300
    assert StripeEvent.objects.filter(outcome="applied").count() == 3


def test_a_transfer_counts_when_it_arrives_and_not_when_it_is_promised(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"], later=True)
    customer.hear()
    assert minutes(customer.user) == 0
    assert PaymentOrder.objects.get().state == PaymentOrder.State.OPEN
    customer.world.arrive(session["id"])
    customer.hear()
    assert minutes(customer.user) == 300


def test_a_transfer_that_bounces_says_why(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"], later=True)
    customer.world.bounce(session["id"], "The account is <closed>.")
    customer.hear()
    order = PaymentOrder.objects.get()
    assert (order.state, order.reason) == (PaymentOrder.State.FAILED, "The account is <closed>.")
    html = customer.browser.get(f"/billing/orders/{order.key}/").content.decode()
    assert "The account is &lt;closed&gt;." in html
    assert minutes(customer.user) == 0


def test_events_told_ten_times_in_disorder_count_once(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    for _ in range(3):
        customer.world.pay(customer.begin(price["id"])["id"])
    told = customer.world.events * 10
    random.Random(11).shuffle(told)
    for event in told:
        assert deliver(event).status_code == 200
        if len(event["id"]) % 2:
            work()
    work()
    assert minutes(customer.user) == 900
    assert StripeEvent.objects.count() == len(customer.world.events)


def test_an_expired_page_ends_its_order_and_late_money_still_counts(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    session = customer.begin(price["id"])
    customer.world.pay(session["id"], later=True)
    session["status"] = "open"
    customer.world.expire(session["id"])
    customer.hear()
    assert PaymentOrder.objects.get().state == PaymentOrder.State.EXPIRED
    customer.world.arrive(session["id"])
    customer.hear()
    assert minutes(customer.user) == 300


# --- lost answers


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_was_lost_makes_nothing_twice(customer: Customer, lost: int) -> None:
    price = customer.world.price(900, 300)
    form = customer.form(price["id"])
    customer.world.drop_answers = lost
    assert customer.press(form).status_code == 302
    assert len(customer.world.all("checkout.session")) == 1
    assert len(customer.world.all("customer")) == 1


def test_a_provider_that_is_away_charges_nothing_and_the_same_form_works_later(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    form = customer.form(price["id"])
    checkout.customer_id(customer.user)
    customer.world.drop_answers = 3
    refused = customer.press(form)
    assert refused.status_code == 503
    assert "Nothing was charged" in refused.content.decode()
    assert customer.press(form).status_code == 302
    # The first three were carried out; the fourth, under the same key, found what they had made.
    assert len(customer.world.all("checkout.session")) == 1
    assert PaymentOrder.objects.count() == 1
    customer.world.pay(customer.world.all("checkout.session")[0]["id"])
    customer.hear()
    assert minutes(customer.user) == 300


def test_a_button_pressed_twice_leads_to_one_page(customer: Customer) -> None:
    form = customer.form(customer.world.price(900, 300)["id"])
    assert len({customer.press(form)["Location"] for _ in range(2)}) == 1
    customer.world.pay(customer.world.all("checkout.session")[0]["id"])
    customer.hear()
    assert customer.press(form).status_code == 409
    assert minutes(customer.user) == 300


# --- what the operator says is for sale


@pytest.mark.parametrize("said", ["-5", "0", str(2**63), "NaN", "1e9", "300.5", " 300", "٣٠٠", "9" * 40])
def test_minutes_that_are_no_number_are_not_sold(customer: Customer, said: str) -> None:
    price = customer.world.price(900, said)
    assert offers.offers() == []
    with pytest.raises(ServiceError, match="not for sale"):
        offers.offer(price["id"])


def test_prices_without_minutes_inactive_or_without_an_amount_are_not_ours(customer: Customer) -> None:
    customer.world.price(900)
    customer.world.price(900, 300, active=False)
    customer.world.price(None, 300, billing_scheme="tiered")
    customer.world.price(0, 300)
    sold = customer.world.price(1250, 300, name="Ours")
    (offer,) = offers.offers()
    assert (offer.price_id, offer.name, offer.price, offer.price_an_hour) == (sold["id"], "Ours", "$12.50", "$2.50")


def test_configured_prices_are_the_only_ones(customer: Customer, settings: Settings) -> None:
    named = customer.world.price(900)
    other = customer.world.price(100, 300)
    settings.STRIPE_PRICES = [f"{named['id']}=120", "price_typo=5"]
    assert [(offer.price_id, offer.minutes) for offer in offers.offers()] == [(named["id"], 120)]
    assert customer.press({"price": other["id"], "order": checkout.new_key()}).status_code == 404
    assert not PaymentOrder.objects.exists()


@pytest.mark.parametrize(
    "change", [{"price": "price_unknown"}, {"price": ""}, {"price": "a b"}, {"order": "short"}, {"order": "ä" * 22}]
)
def test_a_form_that_makes_no_sense_begins_nothing(customer: Customer, change: dict[str, str]) -> None:
    form = customer.form(customer.world.price(900, 300)["id"])
    assert customer.press(form | change).status_code in (400, 404)
    assert not PaymentOrder.objects.exists()


def test_the_order_of_another_is_neither_taken_nor_shown(customer: Customer, bob: User) -> None:
    form = customer.form(customer.world.price(900, 300)["id"])
    customer.press(form)
    stranger = Customer(customer.double, bob)
    assert stranger.press(form).status_code == 409
    for address in ("", "state/"):
        assert stranger.browser.get(f"/billing/orders/{form['order']}/{address}").status_code == 404


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1250, "usd", "$12.50"), (5, "eur", "€0.05"), (1250, "jpy", "JPY 1,250"), (123456, "kwd", "KWD 123.456")],
)
def test_money_is_written_as_its_currency_is(amount: int, currency: str, text: str) -> None:
    assert offers.money(amount, currency) == text


# --- subscriptions


def subscribe(customer: Customer, **fields: object) -> Object:
    price = customer.world.price(2400, 1200, name="Monthly", interval="month", **fields)
    order = customer.buy(price["id"])
    assert order.state == PAID
    return customer.world.all("subscription")[0]


def test_a_subscription_brings_its_minutes_until_the_period_ends(customer: Customer) -> None:
    subscription = subscribe(customer)
    assert minutes(customer.user) == 1200
    lot = CreditLot.objects.get(owner_id=customer.user.pk)
    end = datetime.fromtimestamp(subscription["items"]["data"][0]["current_period_end"], UTC)
    assert lot.expires_at == end + timedelta(days=1)
    known = checkout.subscription_of(customer.user)
    assert known is not None
    assert (known.status, known.period_end) == ("active", end)


def test_a_subscriber_who_has_used_all_minutes_keeps_the_paid_plan(customer: Customer) -> None:
    subscription = subscribe(customer)
    ledger.reserve(customer.user, "job:1", 1_200_000)
    ledger.settle("job:1", 1_200_000)
    assert minutes(customer.user) == 0
    assert plan_of(customer.user).id == "paid"
    checkout.end_subscriptions(customer.user)
    assert plan_of(customer.user).id == "free"
    assert subscription["status"] == "canceled"


def test_each_paid_period_counts_once(customer: Customer) -> None:
    subscription = subscribe(customer)
    customer.world.renew(subscription["id"])
    customer.hear(customer.world.events * 2)
    assert minutes(customer.user) == 2400
    assert PaymentOrder.objects.filter(state=PAID, kind="subscription").count() == 2


def test_minutes_may_be_kept_where_the_operator_says_so(customer: Customer) -> None:
    price = customer.world.price(2400, 1200, interval="month")
    price["metadata"]["steno_minutes_end"] = "never"
    customer.buy(price["id"])
    assert CreditLot.objects.get(owner_id=customer.user.pk).expires_at is None


def test_a_plan_changed_at_stripe_brings_the_new_plans_minutes(customer: Customer) -> None:
    subscription = subscribe(customer)
    larger = customer.world.price(4800, 3000, name="Large", interval="month")
    customer.world.renew(subscription["id"], larger["id"])
    foreign = customer.world.price(100, name="Not ours", interval="month")
    customer.world.renew(subscription["id"], foreign["id"])
    customer.hear()
    assert minutes(customer.user) == 1200 + 3000
    assert any("not for sale here" in note for note in notes())


def test_one_subscription_at_a_time(customer: Customer) -> None:
    subscribe(customer)
    other = customer.world.price(4800, 3000, interval="month")
    refused = customer.press({"price": other["id"], "order": checkout.new_key()})
    assert refused.status_code == 409
    assert "subscription already" in refused.content.decode()


def test_an_account_that_ends_ends_its_subscription(customer: Customer) -> None:
    subscription = subscribe(customer)
    checkout.end_subscriptions(customer.user)
    assert subscription["status"] == "canceled"
    assert checkout.subscription_of(customer.user) is None


# --- the nightly comparison


def test_what_was_told_while_nobody_listened_is_replayed(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    first, second = (customer.begin(price["id"]) for _ in range(2))
    customer.world.pay(first["id"])
    heard = len(customer.world.events)
    customer.hear()
    customer.world.pay(second["id"])
    customer.world.tell("customer.updated", customer.world.all("customer")[0])  # of no interest
    stripe_events.reconcile_nightly()
    run = stripe_events.reconcile(Reconciliation.objects.get().pk)
    assert (run.missed, run.seen, run.error) == (len(customer.world.events) - heard - 1, run.seen, "")
    assert minutes(customer.user) == 600
    again = stripe_events.reconcile(Reconciliation.objects.create(days=3, started_at=timezone.now()).pk)
    assert again.missed == 0
    assert minutes(customer.user) == 600


def test_it_runs_once_a_night_and_not_without_a_key(customer: Customer, settings: Settings) -> None:
    for _ in range(2):
        stripe_events.reconcile_nightly()
    assert Reconciliation.objects.count() == 1
    settings.STRIPE_SECRET_KEY = ""
    Reconciliation.objects.all().delete()
    stripe_events.reconcile_nightly()
    assert not Reconciliation.objects.exists()


def test_a_provider_that_is_away_is_asked_again_later(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"])
    customer.world.is_down = True
    customer.hear()
    assert minutes(customer.user) == 0
    waiting = StripeEvent.objects.filter(outcome="waiting")
    assert waiting.count() > 0
    customer.world.is_down = False
    stripe_events.ring_waiting()
    work()
    assert minutes(customer.user) == 0  # not due yet
    StripeEvent.objects.update(not_before=timezone.now())
    stripe_events.ring_waiting()
    work()
    assert minutes(customer.user) == 300
    assert not waiting.exists()


def test_a_restored_backup_hears_of_payments_that_it_has_no_order_for(customer: Customer) -> None:
    """What the orders were is read from the seal that Stripe kept: our own signature over their terms."""
    price = customer.world.price(900, 300)
    customer.world.pay(customer.begin(price["id"])["id"])
    PaymentOrder.objects.all().delete()
    customer.hear()
    assert minutes(customer.user) == 300
    assert notes() == []


def test_a_seal_of_somebody_elses_making_restores_nothing(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    session = customer.begin(price["id"])
    customer.world.pay(session["id"])
    PaymentOrder.objects.all().delete()
    session["metadata"]["steno_seal"] = session["metadata"]["steno_seal"].replace("A", "B", 1) + "x"
    customer.hear()
    assert minutes(customer.user) == 0
    assert "grant its minutes by hand" in notes()[0]


def test_a_seal_of_an_account_that_is_another_now_restores_nothing(customer: Customer) -> None:
    price = customer.world.price(900, 300)
    customer.world.pay(customer.begin(price["id"])["id"])
    PaymentOrder.objects.all().delete()
    User.objects.filter(pk=customer.user.pk).update(date_joined=timezone.now() + timedelta(days=2))
    customer.hear()
    assert minutes(customer.user) == 0
    assert notes()


@pytest.mark.parametrize("forgotten", [True, False])
def test_money_for_an_account_that_is_gone_is_a_note(customer: Customer, forgotten: bool) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"])
    erasure.close(customer.user)
    if forgotten:
        erasure.forget(customer.user.pk)
    customer.hear()
    assert PaymentOrder.objects.get().state == PaymentOrder.State.OPEN
    assert "account that is gone" in notes()[0]
    assert audit() == []


def test_the_operator_is_told_of_every_event_to_subscribe_to() -> None:
    described = (Path(__file__).resolve().parents[2] / "docs" / "billing.md").read_text()
    listed = described.partition("with these events:")[2].partition("4. ")[0]
    assert set(re.findall(r"`([a-z_.]+)`", listed)) == set(stripe_events.APPLIERS)


def test_the_command_says_what_it_found(customer: Customer) -> None:
    customer.world.pay(customer.begin(customer.world.price(900, 300)["id"])["id"])
    said = StringIO()
    call_command("stripe_reconcile", "--days", "30", stdout=said)
    assert said.getvalue() == "2 events, 2 of them had not come and are applied now.\n"
    assert minutes(customer.user) == 300
    for days in ("0", "31"):
        with pytest.raises(CommandError, match="between 1 and 30"):
            call_command("stripe_reconcile", "--days", days)
