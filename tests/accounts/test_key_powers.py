"""Rolling, capping and testing keys, and that no key makes one that may do more than itself."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ApiKey, User
from accounts.services import api_keys, key_caps, ledger, streams
from accounts.services.access import identify
from accounts.services.ledger import Work
from accounts.services.tariffs import Tariff
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.accounts.test_api import Api
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
MAKER = ("read", "write", "keys:write")


def maker(user: User, **powers: Any) -> Api:
    return Api(api_keys.create_key(user, "maker", MAKER, **powers)[1])


def test_a_rolled_key_works_on_beside_its_successor_for_a_while(alice: User, clock: Clock) -> None:
    key, old = api_keys.create_key(alice, "script", ["read"], monthly_minutes=5)
    status, made = maker(alice)("POST", f"keys/{key.pk}/roll/", {"overlap_hours": 24})
    assert status == 201
    assert made["key"] != old
    assert (made["name"], made["scopes"], made["monthly_minutes"]) == ("script", ["read"], 5)
    assert api_keys.find(old)
    assert api_keys.find(made["key"])
    key.refresh_from_db()
    assert key.replaced_by_id == made["id"]
    clock.advance(hours=24)
    assert api_keys.find(old) is None
    assert api_keys.find(made["key"])


def test_a_key_rolled_without_overlap_ends_now(alice: User) -> None:
    key, old = api_keys.create_key(alice, "script")
    _, new = api_keys.roll(key, timedelta())
    assert api_keys.find(old) is None
    assert api_keys.find(new)


def test_rolling_lengthens_no_life(alice: User, clock: Clock) -> None:
    key, old = api_keys.create_key(alice, "script", expires_at=clock.now + timedelta(hours=2))
    _, new = api_keys.roll(key, timedelta(hours=72))
    clock.advance(hours=2)
    assert api_keys.find(old) is None
    assert api_keys.find(new) is None


def test_what_is_rolled_revoked_or_over_cannot_be_rolled(alice: User, clock: Clock) -> None:
    rolled, revoked = (api_keys.create_key(alice, name)[0] for name in ("rolled", "revoked"))
    over, _ = api_keys.create_key(alice, "over", expires_at=clock.now)
    api_keys.roll(rolled, timedelta(hours=1))
    api_keys.revoke(revoked)
    for key in (rolled, revoked, over):
        with pytest.raises(ServiceError) as refusal:
            api_keys.roll(key, timedelta(hours=1))
        assert refusal.value.code is ErrorCode.CONFLICT
    assert maker(alice)("POST", f"keys/{rolled.pk}/roll/", {"overlap_hours": 5})[0] == 400


def test_a_full_account_can_roll_but_not_create(alice: User) -> None:
    keys = [api_keys.create_key(alice, f"key {number}")[0] for number in range(api_keys.MAX_ACTIVE_KEYS)]
    api_keys.roll(keys[0], timedelta(hours=1))
    with pytest.raises(ServiceError, match="at most 20"):
        api_keys.create_key(alice, "one more")


def test_anothers_key_is_not_there_to_be_rolled(alice: User, charlie: User) -> None:
    key, _ = api_keys.create_key(charlie, "Charlie's")
    assert maker(alice)("POST", f"keys/{key.pk}/roll/", {})[0] == 404
    assert ApiKey.objects.get(user=charlie).replaced_by is None


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ({}, {"scopes": ["transcribe"]}),
        ({}, {"scopes": ["read", "billing:read"]}),
        ({"mode": "test"}, {"mode": "live"}),
        ({"monthly_minutes": 5}, {"monthly_minutes": 6}),
        ({"hours": 1}, {"hours": 2}),
    ],
)
def test_no_key_makes_one_that_may_do_more(
    alice: User, clock: Clock, own: dict[str, Any], wanted: dict[str, Any]
) -> None:
    def with_end(powers: dict[str, Any]) -> dict[str, Any]:
        hours = powers.pop("hours", None)
        return {**powers, "expires_at": clock.now + timedelta(hours=hours)} if hours else powers

    body = with_end(dict(wanted))
    if "expires_at" in body:
        body["expires_at"] = body["expires_at"].isoformat()
    status, answer = maker(alice, **with_end(dict(own)))("POST", "keys/", {"name": "more", **body})
    assert status == 403, answer
    assert ApiKey.objects.count() == 1


def test_a_key_hands_its_own_limits_on(alice: User, clock: Clock) -> None:
    end = clock.now + timedelta(hours=1)
    caller = maker(alice, mode="test", monthly_minutes=5, expires_at=end)
    status, made = caller("POST", "keys/", {"name": "child", "mode": "test"})
    assert status == 201
    assert (made["scopes"], made["monthly_minutes"], made["mode"]) == (["read", "write"], 5, "test")
    assert made["expires_at"] == end.isoformat().replace("+00:00", "Z")
    assert made["key"].startswith("stt_test_")


def test_no_key_rolls_one_that_may_do_more(alice: User) -> None:
    strong, _ = api_keys.create_key(alice, "strong")
    assert maker(alice)("POST", f"keys/{strong.pk}/roll/", {})[0] == 403
    strong.refresh_from_db()
    assert strong.replaced_by is None


def spend(user: User, plaintext: str, reference: str, amount_mc: int) -> None:
    caller = identify(authorization=f"Bearer {plaintext}", x_api_key=None, session_user=None, ip="")
    ledger.reserve(user, reference, amount_mc, Work(api_key_id=caller.api_key_id))
    key_caps.require(caller)


def test_a_cap_counts_what_is_held_and_charged_this_month(alice: User, clock: Clock) -> None:
    key, plaintext = api_keys.create_key(alice, "capped", monthly_minutes=3)
    spend(alice, plaintext, "job:1", 2000)
    ledger.settle("job:1", 1000)
    spend(alice, plaintext, "job:2", 1000)
    ledger.release("job:2")
    spend(alice, plaintext, "job:3", 2000)
    with pytest.raises(ServiceError) as refusal:
        spend(alice, plaintext, "job:4", 1000)
    assert (refusal.value.code, refusal.value.status) == (ErrorCode.KEY_CAP, 402)
    clock.advance(days=31)
    spend(alice, plaintext, "job:5", 3000)
    assert key_caps.spent_mc(key) == 3000


def test_a_cap_outlives_a_roll(alice: User) -> None:
    key, old = api_keys.create_key(alice, "capped", monthly_minutes=3)
    spend(alice, old, "job:1", 3000)
    _, new = api_keys.roll(key, timedelta(hours=1))
    with pytest.raises(ServiceError):
        spend(alice, new, "job:2", 1000)


def test_a_stream_reaches_as_far_as_its_keys_cap(alice: User) -> None:
    key, _ = api_keys.create_key(alice, "capped", monthly_minutes=2)
    work = Work(api_key_id=key.pk)
    assert streams.cover(alice, "live", Tariff(), 60_000, work) == 60_000
    assert streams.cover(alice, "live", Tariff(), 600_000, work) == 120_000
    assert key_caps.spent_mc(key) == 2000


def test_the_last_use_says_from_where(alice: User, alice_key: str) -> None:
    for ip, noted in (("192.0.2.9", "192.0.2.9"), ("192.0.2.10", "192.0.2.9")):
        identify(authorization=f"Bearer {alice_key}", x_api_key=None, session_user=None, ip=ip)
        assert alice.api_keys.get().last_used_ip == noted


def test_revoking_twice_is_revoking_once(alice: User, clock: Clock) -> None:
    key, _ = api_keys.create_key(alice, "script")
    caller, first = maker(alice), clock.now
    for _ in range(2):
        assert caller("DELETE", f"keys/{key.pk}/")[0] == 204
        clock.advance(seconds=1)
    key.refresh_from_db()
    assert key.revoked_at == first
