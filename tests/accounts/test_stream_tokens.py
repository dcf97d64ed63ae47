from typing import Any

import pytest
from django.test import Client

from accounts.models import StreamToken, User
from accounts.services import api_keys, stream_tokens
from accounts.services.access import Caller
from accounts.services.plans import plan_of
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
ADDRESS = "/v1/stream/token"


def ask(key: str, body: dict[str, Any] | None = None) -> Any:
    return Client().post(ADDRESS, body or {}, "application/json", headers={"Authorization": f"Bearer {key}"})


def refusal_of(token: str) -> ErrorCode:
    with pytest.raises(ServiceError) as refusal:
        stream_tokens.redeem(token, "192.0.2.1")
    return refusal.value.code


def test_a_token_opens_one_stream_for_its_key(alice: User, alice_key: str) -> None:
    answer = ask(alice_key, {"max_seconds": 90})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()["token"]
    admission = stream_tokens.redeem(token, "192.0.2.1")
    assert admission.max_seconds == 90
    assert (admission.caller.user, admission.caller.api_key_id) == (alice, alice.api_keys.get().pk)
    assert refusal_of(token) is ErrorCode.INVALID_API_KEY


def test_a_token_promises_no_more_than_its_plan_has(alice: User, alice_key: str) -> None:
    assert plan_of(alice).id == "free"
    assert ask(alice_key).json()["max_seconds"] == stream_tokens.SECONDS["free"]
    assert ask(alice_key, {"max_seconds": 4 * 3600}).status_code == 400


def test_a_token_lives_a_minute(alice_key: str, clock: Clock) -> None:
    early, late = (ask(alice_key).json()["token"] for _ in range(2))
    clock.advance(seconds=59)
    stream_tokens.redeem(early, "")
    clock.advance(seconds=1)
    assert refusal_of(late) is ErrorCode.INVALID_API_KEY
    clock.advance(minutes=2)
    stream_tokens.purge()
    assert not StreamToken.objects.exists()


def test_only_its_hash_is_stored(alice_key: str) -> None:
    token = ask(alice_key).json()["token"]
    assert token.startswith("stt_tmp_")
    stored = str(StreamToken.objects.values().get())
    assert all(part not in stored for part in token.split("_")[3:])


def test_a_token_is_no_key_and_a_key_no_token(alice_key: str) -> None:
    token = ask(alice_key).json()["token"]
    assert ask(token).status_code == 401
    assert refusal_of(alice_key) is ErrorCode.INVALID_API_KEY


def test_a_revoked_key_takes_its_tokens_and_streams_along(alice: User, alice_key: str) -> None:
    """An open stream asks every STREAM_RECHECK_SECONDS, well within ten."""
    tokens = [ask(alice_key).json()["token"] for _ in range(2)]
    open_stream = stream_tokens.redeem(tokens[0], "").caller
    assert stream_tokens.still_allowed(open_stream)
    api_keys.revoke(alice.api_keys.get())
    assert not stream_tokens.still_allowed(open_stream)
    assert refusal_of(tokens[1]) is ErrorCode.INVALID_API_KEY
    assert api_keys.STREAM_RECHECK_SECONDS < 10


def test_a_closed_account_takes_its_streams_along(alice: User) -> None:
    page = Caller(alice, None, "192.0.2.1", plan_of(alice))
    _, token = stream_tokens.issue(page)
    assert stream_tokens.still_allowed(page)
    User.objects.update(is_active=False)
    assert not stream_tokens.still_allowed(page)
    assert refusal_of(token) is ErrorCode.INVALID_API_KEY


def test_a_page_needs_its_csrf_token_and_strangers_get_none(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post(ADDRESS, {}, "application/json").status_code == 403
    assert Client().post(ADDRESS, {}, "application/json").status_code == 401
    page = Client()
    page.force_login(alice)
    assert page.post(ADDRESS, {}, "application/json").status_code == 201


@pytest.mark.parametrize("seconds", [0, -1, 14_401, "long"])
def test_a_stream_has_a_longest_length(alice_key: str, seconds: Any) -> None:
    assert ask(alice_key, {"max_seconds": seconds}).status_code == 400
