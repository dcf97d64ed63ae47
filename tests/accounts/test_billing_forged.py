"""What does not come from Stripe, or does not fit our own order, has no effect; the operator reads why."""

import json
import time
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Entry, PaymentOrder, StripeEvent
from accounts.services import ledger
from tests.accounts.paying import Customer, deliver, notes, post
from tests.stripe_double.server import SECRET, sign
from tests.stripe_double.world import Object, public

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(customer: Customer) -> Object:
    """The event of a session that was really paid, not yet told."""
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"])
    return customer.world.events[-1]


def body_of(event: Object, **changes: object) -> bytes:
    return json.dumps(public(event) | changes).encode()


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda event: (body_of(event), ""), id="unsigned"),
        pytest.param(lambda event: (body_of(event), "t=1,v1="), id="empty signature"),
        pytest.param(lambda event: (body_of(event), "v1=" + "0" * 64), id="no time"),
        pytest.param(lambda event: (body_of(event), "t=x,v1=é"), id="odd bytes"),
        pytest.param(lambda event: (body_of(event), sign(body_of(event), "whsec_other")), id="another secret"),
        pytest.param(lambda event: (body_of(event), sign(b"{}")), id="signature of another body"),
        pytest.param(lambda event: (body_of(event) + b" ", sign(body_of(event))), id="one byte more"),
        pytest.param(lambda event: _at(event, -301), id="too old"),
        pytest.param(lambda event: _at(event, 3600), id="from the future"),
        pytest.param(lambda event: _signed(body_of(event, livemode=True)), id="the other mode"),
        pytest.param(lambda event: _signed(b"not json"), id="no JSON"),
        pytest.param(lambda event: _signed(b"\xff\xfe"), id="not UTF-8"),
        pytest.param(lambda event: _signed(b"[]"), id="not an object"),
        pytest.param(lambda event: _signed(body_of(event, data={})), id="about nothing"),
        pytest.param(lambda event: _signed(body_of(event, created=2**70)), id="beyond time"),
    ],
)
def test_a_forged_message_is_refused_and_does_nothing(
    customer: Customer, paid: Object, forge: Callable[[Object], tuple[bytes, str]]
) -> None:
    answer = post(*forge(paid))
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.json()["error"]
    assert not StripeEvent.objects.exists()
    assert not Entry.objects.exists()


def _at(event: Object, seconds: float) -> tuple[bytes, str]:
    return body_of(event), sign(body_of(event), moment=time.time() + seconds)


def _signed(body: bytes) -> tuple[bytes, str]:
    return body, sign(body)


@pytest.mark.parametrize("seconds", [-290, 290])
def test_clocks_may_differ_by_minutes(customer: Customer, paid: Object, seconds: float) -> None:
    assert post(*_at(paid, seconds)).status_code == 200


def test_a_rotated_secret_signs_beside_the_old_one(customer: Customer, paid: Object) -> None:
    body = body_of(paid)
    both = sign(body, "whsec_old") + "," + sign(body).partition(",")[2]
    both = both.replace(both.split(",")[0], sign(body).split(",")[0])
    assert post(body, both).status_code == 200


def test_a_message_may_be_told_only_by_post(customer: Customer) -> None:
    assert Client().get("/stripe/webhook/").status_code == 405


@pytest.mark.parametrize("setting", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_without_keys_there_is_no_such_door(customer: Customer, paid: Object, settings: Settings, setting: str) -> None:
    setattr(settings, setting, "")
    assert deliver(paid).status_code == 404


@pytest.mark.parametrize(
    ("tamper", "note"),
    [
        pytest.param(lambda s, i, w: s.update(amount_total=1), "is for $9.00, and $0.01 was paid", id="less to pay"),
        pytest.param(lambda s, i, w: i.update(amount_received=899), "and $8.99 was paid", id="less paid"),
        pytest.param(lambda s, i, w: s.update(currency="jpy"), "JPY 900 was paid", id="cheaper money"),
        pytest.param(lambda s, i, w: i.update(currency="inr"), "INR 9.00 was paid", id="cheaper money paid"),
        pytest.param(lambda s, i, w: s.update(livemode=True), "other mode", id="session of the other mode"),
        pytest.param(lambda s, i, w: i.update(livemode=True), "other mode", id="payment of the other mode"),
        pytest.param(lambda s, i, w: _items(s, [(w.price(900, 9999)["id"], 1)]), "was paid for", id="foreign price"),
        pytest.param(lambda s, i, w: _items(s, []), "nothing was paid for", id="no price"),
        pytest.param(lambda s, i, w: _items(s, [(_own(s), 2)]), "was paid for", id="two of them"),
        pytest.param(lambda s, i, w: s["metadata"].update(steno_order="x" * 22), "not known here", id="unknown order"),
    ],
)
def test_a_payment_that_does_not_fit_the_order_is_no_minutes(
    customer: Customer, paid: Object, tamper: Callable[..., None], note: str
) -> None:
    (session,) = customer.world.all("checkout.session")
    tamper(session, customer.world.objects[session["payment_intent"]], customer.world)
    customer.hear()
    assert ledger.balance(customer.user).paid_mc == 0
    assert not Entry.objects.exists()
    assert PaymentOrder.objects.filter(state="paid").count() == 0
    assert note in notes()[-1]


def _items(session: Object, items: list[tuple[str, int]]) -> None:
    session["_line_items"] = {"data": [{"price": price, "quantity": quantity} for price, quantity in items]}


def _own(session: Object) -> str:
    return str(session["_line_items"]["data"][0]["price"])


def test_an_order_is_paid_once_and_a_second_payment_for_it_is_a_note(customer: Customer, paid: Object) -> None:
    customer.hear()
    (session,) = customer.world.all("checkout.session")
    second = dict(session, id="cs_test_second", status="open", payment_status="unpaid", payment_intent=None)
    customer.world.objects["cs_test_second"] = second
    customer.world.pay("cs_test_second")
    customer.hear()
    assert ledger.balance(customer.user).paid_mc == 300_000
    assert any("second payment" in note for note in notes())


def test_what_the_account_is_used_for_besides_is_no_concern(customer: Customer) -> None:
    intent = customer.world._intent(5000, "usd", {"shop": "shoes"})
    customer.world._succeed(intent)
    customer.world.refund(intent["id"])
    customer.world.dispute(intent["id"])
    customer.hear()
    assert not Entry.objects.exists()
    assert set(StripeEvent.objects.values_list("outcome", flat=True)) == {"ignored"}


def test_an_event_about_something_that_stripe_does_not_know_is_refused(customer: Customer, paid: Object) -> None:
    del customer.world.objects[paid["data"]["object"]["id"]]
    customer.hear([paid])
    assert "does not know" in notes()[0]
    assert SECRET not in notes()[0]
