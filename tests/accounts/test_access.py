from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import api_keys, ledger, limits
from accounts.services.access import Caller, client_ip, identify
from stt_site.lib.errors import ErrorCode, ServiceError

pytestmark = pytest.mark.django_db


def anonymous(ip: str = "203.0.113.7") -> Caller:
    return identify(authorization=None, x_api_key=None, session_user=None, ip=ip)


def by_key(authorization: str | None, x_api_key: str | None = None, scope: str = "transcribe") -> Caller:
    return identify(authorization=authorization, x_api_key=x_api_key, session_user=None, ip="203.0.113.7", scope=scope)


def test_a_key_in_either_header_is_its_owner(alice: User, alice_key: str) -> None:
    for caller in (by_key(f"Bearer {alice_key}"), by_key(f"bearer  {alice_key} "), by_key(None, alice_key)):
        assert caller.user == alice
        assert caller.api_key_id == alice.api_keys.get().pk
        assert caller.key == f"user:{alice.pk}"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "nonsense", "Bearer a b"])
def test_a_bad_key_is_never_taken_for_an_anonymous_call(alice: User, header: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        identify(authorization=header, x_api_key=None, session_user=alice, ip="203.0.113.7")
    assert refusal.value.code == ErrorCode.INVALID_API_KEY
    assert refusal.value.status == 401


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_header_is_no_key(empty: str | None) -> None:
    assert by_key(empty, empty).is_anonymous


@pytest.mark.parametrize("scope", [scope for scope in api_keys.SCOPES if scope != "read"])
def test_a_key_may_do_only_what_its_scopes_say(alice: User, scope: str) -> None:
    _, plaintext = api_keys.create_key(alice, "Reader", ["read"])
    assert by_key(f"Bearer {plaintext}", scope="read").user == alice
    with pytest.raises(ServiceError, match=scope) as refusal:
        by_key(f"Bearer {plaintext}", scope=scope)
    assert refusal.value.status == 403


def test_a_session_is_its_user_and_needs_no_scope(alice: User) -> None:
    caller = identify(authorization=None, x_api_key=None, session_user=alice, ip="203.0.113.7", scope="keys:write")
    assert (caller.user, caller.api_key_id, caller.plan.id) == (alice, None, "free")
    stranger = identify(
        authorization=None,
        x_api_key=None,
        session_user=AnonymousUser(),  # type: ignore[arg-type]
        ip="203.0.113.7",
    )
    assert stranger.is_anonymous


def test_the_plan_follows_the_credits(alice: User) -> None:
    def plan() -> str:
        return identify(authorization=None, x_api_key=None, session_user=alice, ip="").plan.id

    assert plan() == "free"
    ledger.grant(alice, 1_000, actor="test", reason="test")
    assert plan() == "paid"
    ledger.reserve(alice, "job:1", 601_000)
    assert plan() == "paid"
    ledger.settle("job:1", 601_000)
    assert plan() == "free"


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("203.0.113.7", "ip:203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "ip:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "ip:2001:db8:1:2::/64"),
        ("", "ip:unknown"),
    ],
)
def test_an_anonymous_caller_is_an_address_or_its_64(ip: str, key: str) -> None:
    assert anonymous(ip).key == key


def test_two_neighbours_of_one_64_share_a_days_count() -> None:
    for ip in ("2001:db8::1", "2001:db8::2", "2001:db8::3"):
        limits.count_daily(anonymous(ip))
    with pytest.raises(ServiceError):
        limits.count_daily(anonymous("2001:db8::4"))
    limits.uncount_daily("ip:2001:db8::/64", date(2000, 1, 1))
    with pytest.raises(ServiceError):
        limits.count_daily(anonymous("2001:db8::4"))


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "client"),
    [
        ([], "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ([], "203.0.113.7", None, "203.0.113.7"),
        (["10.0.0.0/8"], "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", None, "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, nonsense, 10.0.0.2", "10.0.0.2"),
        (["10.0.0.0/8"], "10.0.0.1", " , ,", "10.0.0.1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        (["::1"], "::1", '"[2001:db8::5]:443"', "2001:db8::5"),
        (["unix"], "", "198.51.100.1", "198.51.100.1"),
        ([], "", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(
    settings: Settings, proxies: list[str], remote: str, forwarded: str | None, client: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert client_ip(remote, forwarded) == client
