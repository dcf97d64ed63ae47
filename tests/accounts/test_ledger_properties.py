"""Any order of holding, settling, releasing, granting and waiting keeps the books exact, beside a small model."""

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

from accounts.models import User
from accounts.services import ledger
from accounts.services.audit import audit
from stt_site.lib.errors import ServiceError

FREE = 20_000
amounts = st.integers(0, 30_000)


class LedgerMachine(RuleBasedStateMachine):
    """The model: what is free this month, what is paid, and of each open hold its two parts and its month."""

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.clock = mock.patch.object(timezone, "now", side_effect=lambda: self.now)
        self.clock.start()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.user = User.objects.create_user("model@example.com")
        self.free, self.paid, self.made = FREE, 0, 0
        self.holds: dict[str, tuple[int, int, tuple[int, int]]] = {}
        self.closed: dict[str, int] = {}

    def month(self) -> tuple[int, int]:
        return self.now.year, self.now.month

    @rule(amount=amounts)
    def hold(self, amount: int) -> None:
        self.made += 1
        reference = f"job:{self.made}"
        if amount > self.free + self.paid:
            with pytest.raises(ServiceError):
                ledger.reserve(self.user, reference, amount)
            return
        ledger.reserve(self.user, reference, amount)
        free = min(amount, self.free)
        self.holds[reference] = (free, amount - free, self.month())
        self.free -= free
        self.paid -= amount - free

    @rule(data=st.data(), actual=st.one_of(st.none(), amounts))
    def close(self, data: st.DataObject, actual: int | None) -> None:
        if not self.holds:
            return
        reference = data.draw(st.sampled_from(sorted(self.holds)))
        free, paid, month = self.holds.pop(reference)
        charged = min(actual or 0, free + paid)
        if actual is None:
            ledger.release(reference)
        else:
            assert ledger.settle(reference, actual) == charged
        from_free = min(charged, free)
        self.free += free - from_free if month == self.month() else 0
        self.paid += paid - (charged - from_free)
        self.closed[reference] = charged

    @rule(data=st.data(), actual=amounts)
    def close_again(self, data: st.DataObject, actual: int) -> None:
        if self.closed:
            reference = data.draw(st.sampled_from(sorted(self.closed)))
            assert ledger.settle(reference, actual) == self.closed[reference]
            ledger.release(reference)

    @rule(amount=st.integers(1, 30_000))
    def grant(self, amount: int) -> None:
        ledger.grant(self.user, amount, actor="test", reason="property")
        self.paid += amount

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        before = self.month()
        self.now += timedelta(days=days)
        if self.month() != before:
            self.free = FREE

    @invariant()
    def the_books_agree(self) -> None:
        assert audit() == []
        balance = ledger.balance(self.user)
        assert (balance.free_mc, balance.paid_mc) == (self.free, self.paid)
        assert balance.held_mc == sum(free + paid for free, paid, _ in self.holds.values())

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            self.clock.stop()


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=run_settings(
            max_examples=examples, stateful_step_count=steps, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.django_db
def test_any_order_of_events_keeps_the_books(settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = FREE // 1000
    run(12, 20)


@pytest.mark.slow
@pytest.mark.django_db
def test_any_order_of_many_events_keeps_the_books(settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = FREE // 1000
    run(60, 50)
