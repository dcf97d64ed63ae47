"""How often a caller may ask, over HTTP; races of real processes are in test_races.py."""

import json
import socket
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import RateCounter, User
from accounts.services import api_keys, limits, rate_counters, rate_limits
from accounts.services.access import Caller
from accounts.services.plans import plan_of
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
ACCOUNT = "/api/v1/account/"


@pytest.fixture(autouse=True)
def few(settings: Settings, clock: Clock) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": 3, "writes": 2, "text": 2, "work": 1}


def client_of(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


def caller_of(user: User | None, ip: str = "192.0.2.1", key: int | None = None) -> Caller:
    return Caller(user, key, ip, plan_of(user))


def test_the_quota_passes_at_once_and_then_evenly(alice_key: str, clock: Clock) -> None:
    client = client_of(alice_key)
    assert [client.get(ACCOUNT).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get(ACCOUNT)
    assert refused.headers["Retry-After"] == "20"
    assert refused.json() == {"error": "More than 3 requests a minute. Nothing was charged; retry in 20 s."}
    clock.advance(seconds=19)
    assert client.get(ACCOUNT).status_code == 429
    clock.advance(seconds=1)
    assert [client.get(ACCOUNT).status_code for _ in range(2)] == [200, 429]


def test_every_answer_says_where_one_stands(alice_key: str, clock: Clock) -> None:
    client = client_of(alice_key)
    now = int(clock.now.timestamp())
    for remaining, reset in ((2, 20), (1, 40), (0, 60), (0, 60)):
        headers = client.get(ACCOUNT).headers
        assert headers["RateLimit-Policy"] == '"reads";q=3;w=60'
        assert headers["RateLimit"] == f'"reads";r={remaining};t={reset}'
        assert headers["X-RateLimit-Limit"] == "3"
        assert headers["X-RateLimit-Remaining"] == str(remaining)
        assert headers["X-RateLimit-Reset"] == str(now + reset)


def test_refused_requests_do_not_count(alice_key: str, clock: Clock) -> None:
    client = client_of(alice_key)
    for _ in range(10):
        client.get(ACCOUNT)
    clock.advance(seconds=20)
    assert client.get(ACCOUNT).status_code == 200


def test_reading_uses_nothing_of_writing(alice_key: str) -> None:
    client = client_of(alice_key)
    assert [client.get(ACCOUNT).status_code for _ in range(4)][-1] == 429
    body = json.dumps({"name": "A"})
    changed = [client.patch(ACCOUNT, body, "application/json").status_code for _ in range(3)]
    assert changed == [200, 200, 429]


def test_the_keys_of_an_account_share_its_quota_and_other_accounts_have_theirs(
    alice: User, charlie: User, alice_key: str
) -> None:
    others = [api_keys.create_key(user, "other")[1] for user in (alice, charlie)]
    for _ in range(3):
        assert client_of(alice_key).get(ACCOUNT).status_code == 200
    assert [client_of(key).get(ACCOUNT).status_code for key in others] == [429, 200]


def test_text_services_are_counted_by_key(alice: User) -> None:
    for key in (1, 2):
        taken = [rate_limits.take(caller_of(alice, key=key), "text") for _ in range(3)]
        assert [standing and standing.allowed for standing in taken] == [True, True, False]


def test_an_address_without_an_account_is_limited_with_its_network(client: Client) -> None:
    for host in range(4):
        answer = client.get("/v1/models", REMOTE_ADDR=f"2001:db8::{host + 1}")
    assert answer.status_code == 429
    assert answer.headers["RateLimit"].startswith('"reads";r=0')
    assert client.get("/v1/models", REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_health_is_for_monitors_and_not_limited(client: Client) -> None:
    assert {client.get("/health").status_code for _ in range(5)} <= {200, 503}
    assert not RateCounter.objects.exists()


def test_too_often_and_too_many_at_once_are_told_apart(alice: User) -> None:
    caller = caller_of(alice)
    for number in range(2):
        limits.take_slot(caller, f"job:{number}")
    with pytest.raises(ServiceError) as crowded:
        limits.take_slot(caller, "job:2")
    rate_limits.take(caller, "work")
    standing = rate_limits.take(caller, "work")
    assert standing is not None
    with pytest.raises(ServiceError) as often:
        standing.require()
    assert (crowded.value.code, often.value.code) == (ErrorCode.CONCURRENCY_LIMIT, ErrorCode.RATE_LIMIT)
    assert crowded.value.message != often.value.message


def test_one_statement_counts(alice: User) -> None:
    caller = caller_of(alice)
    with CaptureQueriesContext(connection) as asked:
        rate_limits.take(caller, "reads")
    assert len(asked) == 1


def test_while_nobody_can_count_reads_pass_and_work_does_not(
    alice: User, alice_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*given: Any) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(rate_counters, "_take_in_database", down)
    answer = client_of(alice_key).get(ACCOUNT)
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    for name in ("work", "text"):
        with pytest.raises(ServiceError) as refusal:
            rate_limits.take(caller_of(alice), name)
        assert (refusal.value.status, refusal.value.retry_after) == (503, 5)


def test_a_number_in_the_past_is_forgotten(alice: User, clock: Clock) -> None:
    rate_limits.take(caller_of(alice), "reads")
    rate_limits.purge()
    assert RateCounter.objects.count() == 1
    clock.advance(seconds=21)
    rate_limits.purge()
    assert RateCounter.objects.count() == 0


def test_a_redis_that_hangs_is_asked_once_and_the_database_counts(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_counters, "_redis_rests_until", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        standings = [rate_limits.take(caller_of(alice), "reads") for _ in range(4)]
        silent.settimeout(1)
        silent.accept()
        with pytest.raises(TimeoutError):
            silent.accept()
    assert [standing and standing.allowed for standing in standings] == [True, True, True, False]
    assert RateCounter.objects.count() == 1
