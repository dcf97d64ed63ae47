"""Money that goes back: what is left is taken, what was used is owed, and nothing new begins until it is paid."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import hypothesis.strategies as st
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as run_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pytest_django.fixtures import Settings

from accounts.models import Entry, PaymentOrder, User
from accounts.services import ledger, limits, purchases
from accounts.services.audit import audit
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.accounts.paying import Customer
from tests.accounts.test_limits import caller_of
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def use(user: User, reference: str, millicredits: int) -> None:
    ledger.reserve(user, reference, millicredits)
    ledger.settle(reference, millicredits)


def state(user: User) -> tuple[int, int]:
    """Paid minutes left, and minutes owed."""
    balance = ledger.balance(user)
    assert audit() == []
    return balance.paid_mc // 1000, balance.owed_mc // 1000


@pytest.fixture
def order(customer: Customer) -> PaymentOrder:
    return customer.buy(customer.world.price(900, 300)["id"])


def payment_of(order: PaymentOrder) -> str:
    assert order.payment_intent
    return order.payment_intent


def test_unused_minutes_go_back_with_the_money(customer: Customer, order: PaymentOrder) -> None:
    customer.world.refund(payment_of(order))
    customer.hear(customer.world.events * 3)
    assert state(customer.user) == (0, 0)
    order.refresh_from_db()
    assert (order.refunded_minor, order.taken_back_mc) == (900, 300_000)


def test_used_minutes_are_owed_and_stop_new_work_alone(customer: Customer, order: PaymentOrder) -> None:
    use(customer.user, "job:1", 200_000)
    ledger.reserve(customer.user, "job:2", 40_000)  # accepted before: it runs to its end
    customer.world.refund(payment_of(order))
    customer.hear()
    assert state(customer.user) == (0, 240)
    with pytest.raises(ServiceError, match=r"owes 240 credits. Nothing was charged") as refusal:
        ledger.reserve(customer.user, "job:3", 1_000)
    assert refusal.value.code == ErrorCode.INSUFFICIENT_CREDITS
    with pytest.raises(ServiceError, match="owes 240 credits"):
        limits.check_before_body(caller_of(customer.user), None)  # before a body is sent in vain
    assert ledger.settle("job:2", 10_000) == 10_000
    assert state(customer.user) == (0, 210)  # what it left covers a part


def test_free_minutes_neither_pay_nor_thaw(customer: Customer, order: PaymentOrder, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 600
    use(customer.user, "job:1", 900_000)
    customer.world.refund(payment_of(order))
    customer.hear()
    settings.FREE_MINUTES_PER_MONTH = 700
    assert ledger.balance(customer.user).owed_mc == 300_000
    with pytest.raises(ServiceError, match="owes 300 credits"):
        ledger.reserve(customer.user, "job:2", 1_000)


def test_what_is_bought_next_pays_the_debt_first(customer: Customer, order: PaymentOrder) -> None:
    use(customer.user, "job:1", 300_000)
    customer.world.refund(payment_of(order))
    customer.hear()
    small = customer.world.price(300, 100)
    customer.buy(small["id"])
    assert state(customer.user) == (0, 200)
    customer.buy(customer.world.price(900, 300)["id"])
    assert state(customer.user) == (100, 0)
    use(customer.user, "job:2", 100_000)


def test_a_gift_pays_it_too(customer: Customer, order: PaymentOrder) -> None:
    use(customer.user, "job:1", 300_000)
    customer.world.refund(payment_of(order))
    customer.hear()
    ledger.grant(customer.user, 500_000, actor="admin", reason="goodwill")
    assert state(customer.user) == (200, 0)


@pytest.mark.parametrize("parts", [[300, 300, 300], [1, 899], [333, 333, 234], [900, 900]])
def test_parts_that_make_up_the_price_take_all_the_minutes(
    customer: Customer, order: PaymentOrder, parts: list[int]
) -> None:
    for part in parts:
        customer.world.refund(payment_of(order), part)
    customer.hear()
    assert state(customer.user) == (0, 0)


def test_a_refund_told_before_the_payment_still_takes_what_was_given(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"])
    customer.world.refund(session["payment_intent"], 300)
    customer.hear(customer.world.events[::-1])
    assert state(customer.user) == (200, 0)


def test_a_refund_that_failed_gives_back(customer: Customer, order: PaymentOrder) -> None:
    refund = customer.world.refund(payment_of(order), 300, status="pending")
    customer.hear()
    assert state(customer.user) == (200, 0)
    customer.world.fail_refund(refund)
    customer.hear(customer.world.events * 2)
    assert state(customer.user) == (300, 0)


def test_a_question_of_the_bank_takes_nothing(customer: Customer, order: PaymentOrder) -> None:
    customer.world.dispute(payment_of(order), status="warning_needs_response")
    customer.hear()
    assert state(customer.user) == (300, 0)


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("order_of_events", [1, -1])
def test_a_dispute_takes_and_one_that_is_won_gives_back(
    customer: Customer, order: PaymentOrder, won: bool, order_of_events: int
) -> None:
    use(customer.user, "job:1", 100_000)
    dispute = customer.world.dispute(payment_of(order))
    customer.hear()
    assert state(customer.user) == (0, 100)
    customer.world.close_dispute(dispute, won=won)
    customer.hear(customer.world.events[::order_of_events])
    assert state(customer.user) == ((200, 0) if won else (0, 100))


def test_a_dispute_won_before_anybody_heard_of_it_takes_nothing(customer: Customer, order: PaymentOrder) -> None:
    dispute = customer.world.dispute(payment_of(order))
    customer.world.close_dispute(dispute, won=True)
    customer.hear()
    assert state(customer.user) == (300, 0)


def test_a_debt_that_was_paid_comes_back_as_minutes_when_the_dispute_is_won(
    customer: Customer, order: PaymentOrder
) -> None:
    use(customer.user, "job:1", 300_000)
    dispute = customer.world.dispute(payment_of(order))
    customer.hear()
    customer.buy(customer.world.price(900, 300)["id"])
    assert state(customer.user) == (0, 0)
    customer.world.close_dispute(dispute, won=True)
    customer.hear()
    assert state(customer.user) == (300, 0)


def test_minutes_that_ended_unused_are_not_owed(customer: Customer) -> None:
    order = customer.buy(customer.world.price(2400, 1200, interval="month")["id"])
    use(customer.user, "job:1", 100_000)
    later = timezone.now() + timedelta(days=40)
    with mock.patch.object(timezone, "now", return_value=later):
        purchases.take_back(payment_of(order), "stripe:re:late", Entry.Kind.REFUND, 2400)
        assert state(customer.user) == (0, 100)


def test_minutes_of_a_period_that_ended_during_the_work_end_with_it(customer: Customer, clock: Clock) -> None:
    """Not into another pocket: neither the free minutes nor what was bought without an end grows."""
    clock.now = datetime.now(UTC)
    customer.buy(customer.world.price(2400, 1200, interval="month")["id"])
    customer.buy(customer.world.price(900, 300)["id"])
    ledger.reserve(customer.user, "job:1", 1_300_000)
    assert state(customer.user) == (200, 0)
    clock.advance(days=40)
    ledger.release("job:1")
    assert state(customer.user) == (300, 0)


class MoneyMachine(RuleBasedStateMachine):
    """The model is one sum: what came, less what was used and what went back. Below zero it is a debt."""

    PRICE, MINUTES = 997, 10_007
    """Coprime, so that parts of the one never make whole parts of the other."""

    @initialize()
    def begin(self) -> None:
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.user = User.objects.create_user("model@example.com")
        self.sum, self.made = 0, 0
        self.holds: dict[str, int] = {}
        self.orders: list[str] = []
        self.taken: dict[str, tuple[str, int, int]] = {}

    def name(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}{self.made}"

    @rule()
    def buy(self) -> None:
        key = self.name("pi_")
        order = PaymentOrder.objects.create(
            key=key,
            owner_id=self.user.pk,
            kind=PaymentOrder.Kind.PACK,
            name="Pack",
            price_id="price_1",
            amount_minor=self.PRICE,
            currency="usd",
            amount_mc=self.MINUTES,
            livemode=False,
        )
        assert purchases.credit(order, key) is True
        assert purchases.credit(order, key) is False
        self.orders.append(key)
        self.sum += self.MINUTES

    @rule(amount=st.integers(1, 30_000))
    def grant(self, amount: int) -> None:
        ledger.grant(self.user, amount, actor="test", reason="property")
        self.sum += amount

    @rule(amount=st.integers(1, 20_000))
    def hold(self, amount: int) -> None:
        reference = self.name("job:")
        if amount > self.sum - sum(self.holds.values()):
            with pytest.raises(ServiceError):
                ledger.reserve(self.user, reference, amount)
            return
        ledger.reserve(self.user, reference, amount)
        self.holds[reference] = amount

    @rule(data=st.data(), actual=st.one_of(st.none(), st.integers(0, 20_000)))
    def close(self, data: st.DataObject, actual: int | None) -> None:
        """Whatever happened to the money since: what was accepted is carried out and charged as agreed."""
        if not self.holds:
            return
        reference = data.draw(st.sampled_from(sorted(self.holds)))
        held = self.holds.pop(reference)
        if actual is None:
            ledger.release(reference)
        else:
            assert ledger.settle(reference, actual) == min(actual, held)
            self.sum -= min(actual, held)

    @rule(data=st.data(), minor=st.integers(1, 1500), kind=st.sampled_from([Entry.Kind.REFUND, Entry.Kind.DISPUTE]))
    def take_back(self, data: st.DataObject, minor: int, kind: Entry.Kind) -> None:
        if not self.orders:
            return
        payment = data.draw(st.sampled_from(self.orders))
        key = self.name("stripe:re:")
        before = PaymentOrder.objects.get(key=payment).taken_back_mc
        assert purchases.take_back(payment, key, kind, minor) is True
        assert purchases.take_back(payment, key, kind, minor) is False
        taken = PaymentOrder.objects.get(key=payment).taken_back_mc - before
        assert 0 <= taken <= self.MINUTES * min(minor, self.PRICE) // self.PRICE + 1
        self.taken[key] = (payment, minor, taken)
        self.sum -= taken

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if not self.taken:
            return
        key = data.draw(st.sampled_from(sorted(self.taken)))
        payment, minor, taken = self.taken.pop(key)
        assert purchases.give_back(payment, key, Entry.Kind.REFUND, minor) is True
        assert purchases.give_back(payment, key, Entry.Kind.REFUND, minor) is False
        self.sum += taken

    @invariant()
    def the_books_agree(self) -> None:
        assert audit() == []
        balance = ledger.balance(self.user)
        held = sum(self.holds.values())
        assert balance.held_mc == held
        assert balance.available_mc >= 0
        assert balance.available_mc - balance.owed_mc == self.sum - held
        assert balance.available_mc == 0 or balance.owed_mc == 0

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        MoneyMachine,
        settings=run_settings(
            max_examples=examples, stateful_step_count=steps, suppress_health_check=list(HealthCheck)
        ),
    )


def test_any_order_of_money_and_work_keeps_the_books(settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    run(6, 15)


@pytest.mark.slow
def test_any_order_of_much_money_and_work_keeps_the_books(settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    run(25, 40)
