"""Real processes against a real database: SQLite in a file, and PostgreSQL where it answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis, RedisError

from tests.accounts.scratch import Scratch, scratch_database

pytestmark = pytest.mark.slow
QUICK = (
    "last_credit",
    "first_of_month",
    "just_enough",
    "closing",
    "slots",
    "killed_holder",
    "daily",
    "redeem",
    "capped",
    "named",
    "rolled",
    "told",
)
PRODUCT = {"DJANGO_SETTINGS_MODULE": "stt_site.settings"}
REDIS = "redis://127.0.0.1:6379/9"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    with scratch_database(request.param, tmp_path_factory.mktemp("race")) as scratch:
        yield scratch


@pytest.fixture(scope="module")
def outcomes(database: Scratch) -> dict[str, Any]:
    """Eight racers, three rounds of everything, in one program: most of a race is starting Python."""
    return database.race(8, 3, *QUICK)


def answers_or_skips(url: str) -> None:
    try:
        Redis.from_url(url, socket_connect_timeout=1).ping()
    except RedisError as error:
        pytest.skip(f"no Redis answers at {url}: {error}")


def test_the_last_credit_is_spent_once(outcomes: dict[str, Any]) -> None:
    outcome = outcomes["last_credit"]
    assert outcome["outcomes"] == {"held": 3, "insufficient_credits": 21}
    assert outcome["winners"] == [1]
    assert outcome["breaches"] == []


def test_a_month_is_granted_once(outcomes: dict[str, Any]) -> None:
    expected = {"outcomes": {"held": 24}, "lots": [1, 1, 1], "held": [8000, 8000, 8000], "breaches": []}
    assert outcomes["first_of_month"] == expected


def test_nobody_is_refused_while_there_is_enough(outcomes: dict[str, Any]) -> None:
    assert outcomes["just_enough"] == {"outcomes": {"held": 24}, "breaches": []}


def test_work_is_closed_once_and_every_settler_hears_the_same(outcomes: dict[str, Any]) -> None:
    outcome = outcomes["closing"]
    assert all(answer in (["700"], ["0"]) for answer in outcome["answers"])
    assert outcome["used"] == 700 * outcome["answers"].count(["700"])
    assert outcome["held"] == 0
    assert outcome["breaches"] == []


def test_accepting_work_and_telling_of_its_end_do_not_wait_for_each_other(outcomes: dict[str, Any]) -> None:
    assert outcomes["told"] == {"outcomes": {"accepted": 12, "told": 12}, "breaches": []}


def test_slots_never_exceed_the_plan(outcomes: dict[str, Any]) -> None:
    assert outcomes["slots"] == {"cap": 2, "taken": [2, 2, 2]}


def test_the_slots_of_a_killed_holder_come_back_after_a_minute(outcomes: dict[str, Any]) -> None:
    assert outcomes["killed_holder"] == {"within": "concurrency_limit", "after": "taken"}


def test_a_day_counts_exactly_its_limit(outcomes: dict[str, Any]) -> None:
    assert outcomes["daily"] == {"limit": 3, "counted": [3, 3, 3]}


def test_a_stream_token_opens_one_stream(outcomes: dict[str, Any]) -> None:
    assert outcomes["redeem"] == {"outcomes": {"admitted": 3, "invalid_api_key": 21}, "admitted": [1, 1, 1]}


def test_a_keys_monthly_minutes_are_never_passed(outcomes: dict[str, Any]) -> None:
    expected = {"outcomes": {"held": 9, "key_cap": 15}, "held": [3, 3, 3], "breaches": []}
    assert outcomes["capped"] == expected


def test_a_request_sent_by_all_at_once_is_accepted_once(outcomes: dict[str, Any]) -> None:
    expected = {"outcomes": {"accepted": 3, "idempotency_in_flight": 21}, "accepted": [1, 1, 1], "held": 3000}
    assert outcomes["named"] == expected


def test_a_key_has_one_successor(outcomes: dict[str, Any]) -> None:
    assert outcomes["rolled"] == {"outcomes": {"rolled": 3, "conflict": 21}, "keys": 6}


@pytest.mark.parametrize("in_redis", [False, True])
def test_sixteen_processes_pass_no_more_than_the_quota(database: Scratch, in_redis: bool) -> None:
    """With the product's own settings: on SQLite the counters are in their own file."""
    if in_redis:
        answers_or_skips(REDIS)
    database.run("manage.py", "migrate", "-v0", **PRODUCT)
    outcome = database.race(16, 1, "rate", **PRODUCT, REDIS_URL=REDIS if in_redis else "")["rate"]
    assert outcome["quota"] <= outcome["passed"] <= outcome["bound"] < outcome["asked"]
    assert outcome["in_database"] is not in_redis


def test_a_stream_token_opens_one_stream_for_32_racers(database: Scratch) -> None:
    outcome = database.race(32, 10, "redeem")["redeem"]
    assert outcome["admitted"] == [1] * 10


def test_the_last_credit_is_spent_once_by_64_racers(database: Scratch) -> None:
    outcome = database.race(64, 40, "last_credit")["last_credit"]
    assert outcome["outcomes"] == {"held": 40, "insufficient_credits": 40 * 63}
    assert outcome["winners"] == [1]
    assert outcome["breaches"] == []


def test_kills_at_any_moment_leave_the_books_exact(database: Scratch) -> None:
    outcome = database.race(6, 150, "chaos")["chaos"]
    assert outcome["breaches"] == []
    assert outcome["errors"] == []
    assert outcome["closed"] >= 100
