"""The people of the tests: Alice owns things, Bob shares her server, Charlie is a stranger. And a clock to set."""

from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
from django.db import connections
from django.test import TransactionTestCase
from django.utils import timezone

from accounts import append_only
from accounts.models import User
from accounts.services import api_keys
from tests.live import live_product  # noqa: F401

# A deadline would be a timing assertion, and fails on a machine that is busy with other things.
hypothesis.settings.register_profile("steno", deadline=None)
hypothesis.settings.load_profile("steno")

PASSWORD = "correct horse battery"


class Clock:
    """Stands still until it is moved. Code that calls `timezone.now()` sees it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", PASSWORD, name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", PASSWORD, name="Bob")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie@example.com", PASSWORD, name="Charlie")


@pytest.fixture
def alice_key(alice: User) -> str:
    """The plaintext of a key with the scopes a key has by default."""
    return api_keys.create_key(alice, "Alice's laptop")[1]


_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def _flush_without_triggers(case: TransactionTestCase) -> None:
    """A transactional test ends by emptying every table: the very thing that the ledger's triggers refuse."""
    names = list(case._databases_names(include_mirrors=False))  # type: ignore[attr-defined]
    for name in names:
        append_only.remove(connections[name])
    try:
        _flush(case)
    finally:
        for name in names:
            append_only.install(connections[name])


TransactionTestCase._fixture_teardown = _flush_without_triggers  # type: ignore[attr-defined]
