import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Entry, Transfer, User
from accounts.services import ledger

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def some_entries(alice: User) -> None:
    ledger.grant(alice, 5_000, actor="test", reason="test")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_entry SET memo = 'nothing happened'",
        "UPDATE accounts_transfer SET amount = 1",
        "DELETE FROM accounts_transfer",
        "DELETE FROM accounts_entry",
    ],
)
def test_the_database_itself_refuses_to_rewrite_the_books(statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Entry.objects.get().memo == "test"
    assert Transfer.objects.get().amount == 5_000


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_the_books_cannot_be_truncated() -> None:
    connection.check_constraints()  # settles the deferred foreign keys, which would forbid it for a moment
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_transfer")


def test_the_books_outlive_the_account(alice: User) -> None:
    number = alice.pk
    alice.delete()
    assert Entry.objects.get().owner_id == number


@pytest.mark.parametrize("amount", [0, -5])
def test_a_transfer_of_nothing_or_less_cannot_be_written(amount: int) -> None:
    there = Transfer.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.create(
            entry=there.entry, debit_account=there.debit_account, credit_account=there.credit_account, amount=amount
        )


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_transactional_tests_are_emptied_and_guarded_again(turn: int) -> None:
    """Each turn begins with the one grant of the fixture: the first one's was flushed, and its guards came back."""
    assert Entry.objects.count() == 1
    with pytest.raises(IntegrityError, match="append-only"):
        Entry.objects.all().update(memo="nothing happened")
