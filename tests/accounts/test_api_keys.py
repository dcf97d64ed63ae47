import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import ApiKey, User
from accounts.services import api_keys
from stt_site.lib import tokens
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def test_a_key_is_found_by_its_plaintext(alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Laptop")
    assert re.fullmatch(r"stt_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", plaintext)
    found = api_keys.find(plaintext)
    assert found == key
    assert found.user == alice


def test_what_is_stored_does_not_hold_the_secret(alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Laptop")
    secret = plaintext.split("_")[3]
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert not any(secret in str(value) for value in row.values())
    assert key.display == f"stt_live_{plaintext.split('_')[2]}…{plaintext[-4:]}"


def test_another_pepper_opens_nothing(alice_key: str, settings: Settings) -> None:
    settings.API_KEY_PEPPER = "another"
    assert api_keys.find(alice_key) is None


def damaged(key: str) -> list[str]:
    brand, kind, key_id, secret, crc = key.split("_")
    flipped = ("A" if secret[0] != "A" else "B") + secret[1:]
    return [
        "",
        "sk_live_123",
        key[:-1],
        key + "0",
        key.lower(),
        f" {key}",
        f"{key}\n",
        key.replace("live", "test"),
        f"{brand}_{kind}_{key_id}_{flipped}_{crc}",
        f"{brand}_{kind}_{key_id}_{secret}_{'000000' if crc != '000000' else '000001'}",
        f"{brand}_{kind}_{key_id}_{secret[:-1]}é_{crc}",
        "stt_live_" + "x" * 100_000,
    ]


def test_a_damaged_key_is_refused_without_a_query(
    alice_key: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert [api_keys.find(text) for text in damaged(alice_key)] == [None] * 12


def test_a_well_formed_key_with_another_secret_is_refused(alice_key: str) -> None:
    _, _, key_id, _, _ = alice_key.split("_")
    body = f"stt_live_{key_id}_{'z' * 43}"
    assert api_keys.find(f"{body}_{tokens.checksum(body)}") is None


def test_an_unknown_key_is_refused(alice_key: str) -> None:
    ApiKey.objects.all().delete()
    assert api_keys.find(alice_key) is None


def test_a_revoked_key_is_refused_at_once(alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Laptop")
    api_keys.revoke(key)
    assert api_keys.find(plaintext) is None


def test_a_key_ends_at_its_time(alice: User, clock: Clock) -> None:
    _, plaintext = api_keys.create_key(alice, "Laptop", expires_at=clock.now + timedelta(hours=1))
    clock.advance(minutes=59, seconds=59)
    assert api_keys.find(plaintext) is not None
    clock.advance(seconds=1)
    assert api_keys.find(plaintext) is None


def test_the_keys_of_a_closed_account_are_refused(alice: User, alice_key: str) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert api_keys.find(alice_key) is None


def test_use_is_noted_once_a_minute(
    alice_key: str, clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = clock.now
    api_keys.find(alice_key)
    clock.advance(seconds=59)
    with django_assert_num_queries(1):
        api_keys.find(alice_key)
    assert ApiKey.objects.get().last_used_at == first
    clock.advance(seconds=1)
    api_keys.find(alice_key)
    assert ApiKey.objects.get().last_used_at == clock.now


def test_a_twenty_first_active_key_is_refused(alice: User) -> None:
    keys = [api_keys.create_key(alice, f"key {number}")[0] for number in range(20)]
    with pytest.raises(ServiceError, match="at most 20") as refusal:
        api_keys.create_key(alice, "one more")
    assert refusal.value.code == ErrorCode.CONFLICT
    api_keys.revoke(keys[0])
    api_keys.create_key(alice, "one more")


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["read"]), ("  ", ["read"]), ("x" * 101, ["read"]), ("x", []), ("x", ["root"])]
)
def test_a_key_needs_a_name_and_known_scopes(alice: User, name: str, scopes: list[str]) -> None:
    with pytest.raises(ServiceError) as refusal:
        api_keys.create_key(alice, name, scopes)
    assert refusal.value.code == ErrorCode.INVALID_REQUEST
    assert not ApiKey.objects.exists()


def test_checksums_cover_every_character(alice_key: str) -> None:
    body = alice_key.rpartition("_")[0]
    others = {tokens.checksum(body[:at] + "~" + body[at + 1 :]) for at in range(len(body))}
    assert tokens.checksum(body) not in others


def test_expired_keys_do_not_count_as_active(alice: User) -> None:
    api_keys.create_key(alice, "old", expires_at=timezone.now() - timedelta(seconds=1))
    assert api_keys.active_keys(alice).count() == 0
