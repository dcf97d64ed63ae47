"""The 30 days of /api/v1/usage/, over charges that the ledger itself made."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from accounts.services import api_keys, ledger, usage
from tests.accounts.test_api import Api
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def charge(owner: User, reference: str, amount_mc: int) -> None:
    ledger.reserve(owner, reference, amount_mc)
    ledger.settle(reference, amount_mc)


@pytest.fixture
def used(alice: User, bob: User, clock: Clock) -> None:
    """On 21 November 2026, at noon: two days of Alice's, one of Bob's, failures and one that still runs."""
    clock.now -= timedelta(days=30)
    charge(alice, "job:1", 7_000)  # 22 October: one day too old
    clock.advance(days=1)
    charge(alice, "job:2", 3_000)  # 23 October: the first of the thirty
    clock.advance(days=29)
    charge(alice, "job:3", 1_000)
    charge(alice, "job:4", 2_500)
    charge(bob, "job:5", 40_000)
    ledger.reserve(alice, "job:6", 5_000)
    ledger.release("job:6")
    ledger.reserve(alice, "job:7", 5_000)


def test_thirty_days_oldest_first_with_the_empty_ones(used: None, alice_key: str) -> None:
    status, body = Api(alice_key)("GET", "usage/")
    assert status == 200
    assert list(body) == ["days", "total"]
    assert len(body["days"]) == 30
    assert body["days"][0] == {"date": "2026-10-23", "requests": 1, "minutes": 3, "credits": 3}
    assert body["days"][-1] == {"date": "2026-11-21", "requests": 2, "minutes": 3.5, "credits": 3.5}
    between = body["days"][1:-1]
    assert {(day["requests"], day["minutes"], day["credits"]) for day in between} == {(0, 0, 0)}
    assert [day["date"] for day in body["days"]] == sorted({day["date"] for day in body["days"]})
    assert body["total"] == {"requests": 3, "minutes": 6.5, "credits": 6.5}


def test_a_day_ends_at_midnight_utc(alice: User, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=23, minute=59, second=59, microsecond=999_999)
    charge(alice, "job:1", 1_000)
    clock.advance(microseconds=1)
    charge(alice, "job:2", 2_000)
    assert [day.charged_mc for day in usage.days(alice)[-2:]] == [1_000, 2_000]


def test_a_session_sees_its_own_too_and_nobody_sees_anothers(used: None, bob: User) -> None:
    browser = Client()
    browser.force_login(bob)
    assert Api(client=browser)("GET", "usage/")[1]["total"] == {"requests": 1, "minutes": 40, "credits": 40}


def test_who_has_used_nothing_has_thirty_empty_days(alice_key: str) -> None:
    _, body = Api(alice_key)("GET", "usage/")
    assert len(body["days"]) == 30
    assert body["total"] == {"requests": 0, "minutes": 0, "credits": 0}


def test_it_needs_a_key_that_may_read(alice: User) -> None:
    assert Api()("GET", "usage/")[0] == 401
    _, plaintext = api_keys.create_key(alice, "Only sends", ["transcribe"])
    assert Api(plaintext)("GET", "usage/")[0] == 403


def test_one_query_however_much_was_used(
    used: None, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        usage.days(alice)


def test_this_month_starts_on_its_first_day_and_tells_what_was_free(used: None, alice: User) -> None:
    assert usage.files_this_month(alice) == usage.Files(charged=2, not_charged=1)


def test_the_latest_charges_come_first_and_running_work_is_not_one(used: None, alice: User, clock: Clock) -> None:
    clock.advance(seconds=1)
    charge(alice, "job:8", 1_000)
    found = [(each.reference, each.charged_mc) for each in usage.charges(alice, 3)]
    assert found[0] == ("job:8", 1_000)
    assert set(found[1:]) <= {("job:3", 1_000), ("job:4", 2_500), ("job:6", 0)}
    assert "job:7" not in [each.reference for each in usage.charges(alice, 50)]


def test_the_openapi_document_describes_it(client: Client) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/usage/"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Usage")
    assert set(document["components"]["schemas"]["UsedDay"]["properties"]) == {"date", "requests", "minutes", "credits"}
