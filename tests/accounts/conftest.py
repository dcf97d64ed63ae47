from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.accounts.paying import Customer
from tests.stripe_double.server import SECRET, Double, running


@pytest.fixture(scope="session")
def stripe_server() -> Iterator[Double]:
    with running() as double:
        yield double


@pytest.fixture
def double(stripe_server: Double, settings: Settings, db: None) -> Iterator[Double]:
    """This server sells minutes, through a Stripe of the tests."""
    stripe_server.world.reset()
    settings.STRIPE_SECRET_KEY = stripe_server.world.key
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    settings.STRIPE_API = stripe_server.address
    settings.STRIPE_PAGES = [stripe_server.address]
    settings.FREE_MINUTES_PER_MONTH = 0
    cache.clear()
    yield stripe_server
    cache.clear()


@pytest.fixture
def customer(double: Double, alice: User) -> Customer:
    return Customer(double, alice)
