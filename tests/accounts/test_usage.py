"""The 30 days of /api/v1/usage/, over charges that the ledger itself made."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import AccountKind, Transfer, User
from accounts.services import api_keys, ledger, streams, usage
from accounts.services.ledger import Balance, Work
from accounts.services.tariffs import STANDARD
from tests.accounts.test_api import Api
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
ON_THE_WEB = Work("web")


def charge(owner: User, reference: str, amount_mc: int, work: Work = ON_THE_WEB) -> None:
    ledger.reserve(owner, reference, amount_mc, work)
    ledger.settle(reference, amount_mc)


def used_on_the_web(requests: int, minutes: float) -> dict[str, object]:
    by_source = {"web": minutes, "api": 0, "live": 0}
    return {"requests": requests, "minutes": minutes, "credits": minutes, "by_source": by_source}


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
    assert body["days"][0] == {"date": "2026-10-23", **used_on_the_web(1, 3)}
    assert body["days"][-1] == {"date": "2026-11-21", **used_on_the_web(2, 3.5)}
    between = body["days"][1:-1]
    assert {(day["requests"], day["minutes"], day["credits"]) for day in between} == {(0, 0, 0)}
    assert [day["date"] for day in body["days"]] == sorted({day["date"] for day in body["days"]})
    assert body["total"] == used_on_the_web(3, 6.5)


def test_a_day_ends_at_midnight_utc(alice: User, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=23, minute=59, second=59, microsecond=999_999)
    charge(alice, "job:1", 1_000)
    clock.advance(microseconds=1)
    charge(alice, "job:2", 2_000)
    assert [day.charged_mc for day in usage.days(alice)[-2:]] == [1_000, 2_000]


def test_a_session_sees_its_own_too_and_nobody_sees_anothers(used: None, bob: User) -> None:
    browser = Client()
    browser.force_login(bob)
    assert Api(client=browser)("GET", "usage/")[1]["total"] == used_on_the_web(1, 40)


def test_who_has_used_nothing_has_thirty_empty_days(alice_key: str) -> None:
    _, body = Api(alice_key)("GET", "usage/")
    assert len(body["days"]) == 30
    assert body["total"] == used_on_the_web(0, 0)


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
    assert set(document["components"]["schemas"]["UsedDay"]["properties"]) == {
        "date",
        "requests",
        "minutes",
        "credits",
        "by_source",
    }


def test_todays_minutes_are_the_sum_of_todays_debits(used: None, alice: User, alice_key: str) -> None:
    _, body = Api(alice_key)("GET", "usage/")
    earned = Transfer.objects.filter(
        entry__owner_id=alice.pk, entry__created_at__date="2026-11-21", credit_account__kind=AccountKind.REVENUE
    )
    assert body["days"][-1]["minutes"] * 1000 == sum(transfer.amount for transfer in earned) == 3_500


def test_use_is_told_by_source_and_by_key(alice: User, bob: User, alice_key: str, clock: Clock) -> None:
    key, others = api_keys.create_key(alice, "Podcast")[0], api_keys.create_key(bob, "Bob's")[0]
    charge(alice, "job:1", 1_000, Work("web"))
    charge(alice, "job:2", 2_000, Work("api", key.pk))
    charge(alice, "job:3", 4_000, Work("live", key.pk))
    _, body = Api(alice_key)("GET", "usage/")
    assert body["days"][-1]["by_source"] == {"web": 1, "api": 2, "live": 4}
    _, body = Api(alice_key)("GET", f"usage/?key={key.pk}")
    assert len(body["days"]) == 30
    assert body["total"] == {
        "requests": 2,
        "minutes": 6,
        "credits": 6,
        "by_source": {"web": 0, "api": 2, "live": 4},
    }
    assert Api(alice_key)("GET", f"usage/?key={others.pk}")[0] == 404
    assert Api(alice_key)("GET", "usage/?key=mine")[0] == 400


def test_a_stream_is_one_request_and_one_charge(alice: User, clock: Clock) -> None:
    for minute in range(1, 4):
        streams.cover(alice, "s1", STANDARD, minute * 60_000, Work("live", None, "tr_stream"))
    streams.close(alice, "s1", STANDARD, 150_000)
    day = usage.days(alice)[-1]
    assert (day.requests, day.charged_by["live"]) == (1, 3_000)
    (only,) = usage.charges(alice, 10)
    assert (only.paid_for, only.source, only.charged_mc) == ("tr_stream", "live", 3_000)


@pytest.mark.parametrize(
    ("a_day", "on_days", "left", "ends"),
    [
        (10_000, 14, 50_000, date(2026, 11, 26)),
        (10_000, 14, 95_000, date(2026, 11, 30)),
        (10_000, 14, 100_000, None),  # new minutes come first
        (10_000, 2, 5_000, None),  # too little is known
        (10_000, 14, 0, None),  # they have run out
    ],
)
def test_the_end_is_forecast_where_it_can_be_known(
    clock: Clock, a_day: int, on_days: int, left: int, ends: date | None
) -> None:
    today = clock.now.date()
    days = [usage.Day(today - timedelta(days=back), 1, {"web": a_day if back < on_days else 0}) for back in range(30)][
        ::-1
    ]
    balance = Balance(left, left, 0, 0, 0, datetime(2026, 12, 1, tzinfo=UTC))
    assert usage.runs_out(days, balance) == ends
