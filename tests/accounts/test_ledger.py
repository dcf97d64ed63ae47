from datetime import UTC, datetime

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts.models import Account, AccountKind, CreditLot, Entry, Reservation, User
from accounts.models.ledger import HOUSE
from accounts.services import books, ledger
from accounts.services.audit import audit
from accounts.services.books import Movement
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
MONTH = 600_000


@pytest.fixture
def paid_alice(alice: User, settings: Settings) -> User:
    """100 credits that do not end, and no free minutes."""
    settings.FREE_MINUTES_PER_MONTH = 0
    ledger.grant(alice, 100_000, actor="test", reason="fixture")
    return alice


def house(kind: AccountKind) -> int:
    return Account.objects.get(owner_id=HOUSE, kind=kind).balance


def test_settling_charges_what_was_used_and_gives_the_rest_back(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 10_000)
    assert ledger.balance(paid_alice).available_mc == 90_000
    assert ledger.balance(paid_alice).held_mc == 10_000
    assert ledger.settle("job:1", 3_000) == 3_000
    balance = ledger.balance(paid_alice)
    assert (balance.available_mc, balance.held_mc, balance.used_this_month_mc) == (97_000, 0, 3_000)
    assert house(AccountKind.REVENUE) == 3_000
    assert audit() == []


def test_a_charge_that_is_undone_goes_back_to_where_it_came_from(alice: User, clock: Clock) -> None:
    ledger.grant(alice, 5_000, actor="test", reason="fixture")
    ledger.reserve(alice, "job:1", MONTH + 2_000)
    ledger.settle("job:1", MONTH + 1_000)
    assert ledger.undo("job:1", "no answer") == MONTH + 1_000
    assert ledger.undo("job:1", "no answer") == 0
    balance = ledger.balance(alice)
    assert (balance.free_mc, balance.paid_mc, balance.used_this_month_mc) == (MONTH, 5_000, 0)
    assert house(AccountKind.REVENUE) == 0
    assert audit() == []


def test_what_is_undone_when_its_month_is_over_is_over_too(alice: User, clock: Clock) -> None:
    ledger.reserve(alice, "job:1", 2_000)
    ledger.settle("job:1", 2_000)
    clock.advance(days=40)
    assert ledger.undo("job:1", "no answer") == 2_000
    assert ledger.balance(alice).available_mc == MONTH
    assert audit() == []


def test_nothing_is_undone_of_what_was_never_charged(paid_alice: User) -> None:
    assert ledger.undo("job:1", "no answer") == 0
    ledger.reserve(paid_alice, "job:1", 10_000)
    assert ledger.undo("job:1", "no answer") == 0
    ledger.release("job:1")
    assert ledger.undo("job:1", "no answer") == 0
    assert audit() == []


def test_never_more_is_charged_than_was_held(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 1_000)
    assert ledger.settle("job:1", 60_000) == 1_000
    assert ledger.balance(paid_alice).available_mc == 99_000


def test_settling_again_changes_nothing_and_says_what_was_charged(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 10_000)
    ledger.settle("job:1", 3_000)
    assert ledger.settle("job:1", 9_000) == 3_000
    ledger.release("job:1")
    assert ledger.balance(paid_alice).available_mc == 97_000


def test_what_was_released_cannot_be_charged(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 10_000)
    ledger.release("job:1")
    ledger.release("job:1")
    assert ledger.settle("job:1", 10_000) == 0
    assert ledger.balance(paid_alice).available_mc == 100_000
    assert Entry.objects.filter(reference="job:1").count() == 2


def test_holding_twice_for_the_same_work_holds_once(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 10_000)
    ledger.reserve(paid_alice, "job:1", 10_000)
    assert ledger.balance(paid_alice).held_mc == 10_000


def test_nothing_can_be_held_settled_and_released(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 0)
    assert ledger.settle("job:1", 5_000) == 0
    ledger.reserve(paid_alice, "job:2", 0)
    ledger.release("job:2")
    assert ledger.balance(paid_alice).available_mc == 100_000
    assert audit() == []


def test_releasing_what_was_never_held_does_nothing(alice: User) -> None:
    ledger.release("job:404")
    assert not Entry.objects.exists()


def test_settling_what_was_never_held_is_a_mistake_that_shows(alice: User) -> None:
    with pytest.raises(Reservation.DoesNotExist):
        ledger.settle("job:404", 1)


@pytest.mark.parametrize("amount", [-1, -(2**63)])
def test_negative_amounts_are_refused(alice: User, amount: int) -> None:
    with pytest.raises(ValueError, match="cannot be held"):
        ledger.reserve(alice, "job:1", amount)
    with pytest.raises(ValueError, match="cannot be granted"):
        ledger.grant(alice, amount, actor="test", reason="test")
    with pytest.raises(ValueError, match="cannot be charged"):
        ledger.settle("job:1", amount)


def test_too_little_says_how_much_is_missing_and_writes_nothing(paid_alice: User) -> None:
    entries = Entry.objects.count()
    with pytest.raises(ServiceError, match=r"needs 100\.001 credits and 100 are left\. Nothing was charged") as refusal:
        ledger.reserve(paid_alice, "job:1", 100_001)
    assert refusal.value.code == ErrorCode.INSUFFICIENT_CREDITS
    assert Entry.objects.count() == entries
    assert not Reservation.objects.exists()


def test_nothing_left_is_the_sentence_of_the_contract(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 100_000)
    with pytest.raises(ServiceError, match=r"^No credits remaining\. Upgrade your plan\.$"):
        ledger.reserve(paid_alice, "job:2", 1)


def test_a_refusal_leaves_the_callers_transaction_usable(paid_alice: User) -> None:
    with transaction.atomic():
        with pytest.raises(ServiceError):
            ledger.reserve(paid_alice, "job:1", 100_001)
        ledger.reserve(paid_alice, "job:2", 1_000)
    assert ledger.balance(paid_alice).held_mc == 1_000


def test_a_hold_is_undone_with_the_callers_transaction(paid_alice: User) -> None:
    with transaction.atomic():
        ledger.reserve(paid_alice, "job:1", 10_000)
        transaction.set_rollback(True)
    assert ledger.balance(paid_alice).held_mc == 0
    ledger.reserve(paid_alice, "job:1", 10_000)
    assert ledger.balance(paid_alice).held_mc == 10_000


def test_looking_at_the_balance_writes_nothing(alice: User, clock: Clock) -> None:
    balance = ledger.balance(alice)
    assert (balance.available_mc, balance.free_mc, balance.paid_mc) == (MONTH, MONTH, 0)
    assert balance.renews_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert not Account.objects.exists()


def test_free_minutes_go_first(alice: User) -> None:
    ledger.grant(alice, 5_000, actor="test", reason="test")
    ledger.reserve(alice, "job:1", MONTH + 1_000)
    ledger.settle("job:1", MONTH - 1_000)
    balance = ledger.balance(alice)
    assert (balance.free_mc, balance.paid_mc) == (1_000, 5_000)


def test_a_new_month_brings_new_minutes_and_takes_the_old(alice: User, clock: Clock) -> None:
    ledger.reserve(alice, "job:1", 1_000)
    ledger.settle("job:1", 1_000)
    clock.advance(days=10)
    assert ledger.balance(alice).available_mc == MONTH
    assert ledger.balance(alice).used_this_month_mc == 0
    ledger.reserve(alice, "job:2", 2_000)
    assert ledger.balance(alice).available_mc == MONTH - 2_000
    assert house(AccountKind.EXPIRED) == MONTH - 1_000
    assert CreditLot.objects.filter(owner_id=alice.pk).count() == 2
    assert audit() == []


def test_december_is_followed_by_january(alice: User, clock: Clock) -> None:
    clock.now = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert ledger.balance(alice).renews_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_minutes_of_a_month_that_ended_during_the_work_do_not_come_back(alice: User, clock: Clock) -> None:
    ledger.grant(alice, 5_000, actor="test", reason="test")
    ledger.reserve(alice, "job:1", MONTH + 5_000)
    clock.advance(days=10)
    ledger.release("job:1")
    assert house(AccountKind.EXPIRED) == MONTH
    balance = ledger.balance(alice)
    assert (balance.free_mc, balance.paid_mc) == (MONTH, 5_000)
    assert audit() == []


def test_the_same_grant_is_given_once(alice: User) -> None:
    for _ in range(2):
        ledger.grant(alice, 5_000, actor="admin", reason="a gift", key="form-7")
    assert ledger.balance(alice).paid_mc == 5_000


def test_a_grant_needs_a_reason(alice: User) -> None:
    with pytest.raises(ValueError, match="reason"):
        ledger.grant(alice, 1, actor="admin", reason="  ")


def test_what_one_has_is_not_the_others(paid_alice: User, bob: User) -> None:
    with pytest.raises(ServiceError):
        ledger.reserve(bob, "job:1", 1)


def test_the_books_refuse_an_overdraft_and_write_none_of_it(paid_alice: User) -> None:
    (lot,) = CreditLot.objects.all()
    available, held = (books.account(paid_alice.pk, kind, lot.pk) for kind in (AccountKind.AVAILABLE, AccountKind.HELD))
    entry = books.open_entry("test:1", Entry.Kind.RESERVE, paid_alice.pk)
    assert entry is not None
    with pytest.raises(books.Overdraft), transaction.atomic():
        books.post(entry, [Movement(available, held, 60_000), Movement(available, held, 40_001)])
    assert not entry.transfers.exists()
    assert audit() == []


def test_the_audit_finds_money_out_of_nowhere(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 1_000)
    Account.objects.filter(owner_id=paid_alice.pk, kind=AccountKind.HELD).update(balance=2_000)
    assert {breach.invariant for breach in audit()} == {"I1", "I2", "I4"}


def test_the_audit_finds_a_reservation_closed_behind_its_back(paid_alice: User) -> None:
    ledger.reserve(paid_alice, "job:1", 1_000)
    Reservation.objects.update(state=Reservation.State.SETTLED, charged_mc=1_000)
    assert {breach.invariant for breach in audit()} == {"I4", "I5", "I6"}
