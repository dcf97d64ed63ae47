import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.services import api_keys, ledger
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


class Api:
    """JSON in, (status, JSON) out, with a key or as a signed-in browser."""

    def __init__(self, key: str | None = None, client: Client | None = None) -> None:
        self.client = client or Client()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        return self.client.generic(
            method, f"/api/v1/{path}", content, content_type="application/json", headers=self.headers | headers
        )

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        response = self.send(method, path, body)
        return response.status_code, json.loads(response.content) if response.content else None


@pytest.fixture
def api(alice_key: str) -> Api:
    return Api(alice_key)


@pytest.fixture
def page(alice: User) -> Api:
    client = Client()
    client.force_login(alice)
    return Api(client=client)


def test_the_account_as_the_contract_shows_it(api: Api, alice: User, clock: Clock) -> None:
    ledger.reserve(alice, "job:1", 2_500)
    ledger.settle("job:1", 1_500)
    assert api("GET", "account/") == (
        200,
        {
            "id": alice.pk,
            "email": "alice@example.com",
            "name": "Alice",
            "plan": "free",
            "credits_remaining": 598.5,
            "credits_used_this_month": 1.5,
            "renews_at": "2026-12-01T00:00:00Z",
            "limits": {"max_file_mb": 500, "concurrent": 2},
            "email_preferences": {"product_updates": False, "transcript_ready": False, "low_credits": True},
        },
    )


def test_name_and_mail_can_be_changed(api: Api, alice: User) -> None:
    status, body = api("PATCH", "account/", {"name": "Alice A.", "email_preferences": {"transcript_ready": True}})
    assert status == 200
    assert body["name"] == "Alice A."
    assert body["email_preferences"] == {"product_updates": False, "transcript_ready": True, "low_credits": True}
    alice.refresh_from_db()
    assert (alice.name, alice.mail_transcript_ready, alice.mail_low_credits) == ("Alice A.", True, True)


@pytest.mark.parametrize(
    "body",
    [
        {"plan": "paid"},
        {"credits_remaining": 10**9},
        {"is_staff": True},
        {"name": "x", "email": "mallory@example.com"},
        {"email_preferences": {"everything": True}},
        {"email_preferences": "all"},
        {"email_preferences": {"low_credits": "perhaps"}},
        {"name": "x" * 151},
        {"name": None},
        [],
        "{",
    ],
)
def test_nothing_else_can_be_changed(api: Api, alice: User, body: Any) -> None:
    before = User.objects.values().get(pk=alice.pk)
    status, answer = api("PATCH", "account/", body)
    assert status == 400
    assert list(answer) == ["error"]
    assert User.objects.values().get(pk=alice.pk) == before


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "account/"), ("PATCH", "account/"), ("GET", "keys/"), ("POST", "keys/")]
)
def test_without_key_or_session_it_asks_for_one(db: None, method: str, path: str) -> None:
    response = Api().send(method, path, {})
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "Sign in" in json.loads(response.content)["error"]


def test_a_bad_key_is_refused_even_with_a_session(page: Api) -> None:
    response = page.send("GET", "account/", Authorization="Bearer nonsense")
    assert response.status_code == 401
    assert "API key" in json.loads(response.content)["error"]


def test_a_key_is_shown_once(page: Api) -> None:
    response = page.send("POST", "keys/", {"name": "Laptop"})
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    made = json.loads(response.content)
    assert made["key"].startswith(made["prefix"])
    status, listed = page("GET", "keys/")
    assert status == 200
    assert listed["results"] == [{name: made[name] for name in made if name != "key"}]
    assert made["key"] not in json.dumps(listed)
    assert Api(made["key"])("GET", "account/")[0] == 200


def test_a_revoked_key_fails_from_the_next_request_on(page: Api) -> None:
    _, made = page("POST", "keys/", {"name": "Laptop"})
    assert page("DELETE", f"keys/{made['id']}/") == (204, None)
    assert page("DELETE", f"keys/{made['id']}/") == (204, None)
    assert Api(made["key"])("GET", "account/")[0] == 401
    assert page("GET", "keys/")[1]["results"][0]["revoked"] is True


def test_the_key_of_another_is_not_there(page: Api, bob: User) -> None:
    key, plaintext = api_keys.create_key(bob, "Bob's")
    assert page("DELETE", f"keys/{key.pk}/")[0] == 404
    assert page("DELETE", "keys/999999/")[0] == 404
    assert api_keys.find(plaintext) == key
    assert page("GET", "keys/")[1] == {"results": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": 5, "scopes": ["root"]},
        {"name": "x", "scopes": []},
        {"name": "x", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "user": 1},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(page: Api, body: dict[str, Any]) -> None:
    status, answer = page("POST", "keys/", body)
    assert status == 400
    assert isinstance(answer["error"], str)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "GET", "account/", 200),
        (["read"], "GET", "keys/", 200),
        (["read"], "PATCH", "account/", 403),
        (["read"], "POST", "keys/", 403),
        (["read"], "DELETE", "keys/1/", 403),
        (["write"], "GET", "account/", 403),
        (["write"], "PATCH", "account/", 200),
        (["write", "delete"], "POST", "keys/", 403),
        (["write", "delete"], "DELETE", "keys/1/", 403),
        (["keys:write"], "POST", "keys/", 403),
    ],
)
def test_a_key_cannot_outgrow_its_scopes(alice: User, scopes: list[str], method: str, path: str, status: int) -> None:
    _, plaintext = api_keys.create_key(alice, "Narrow", scopes)
    body = {"name": "x", "scopes": ["read"]} if method == "POST" else {"name": "x"} if method == "PATCH" else None
    assert Api(plaintext)(method, path, body)[0] == status


def test_a_key_may_make_one_that_does_less(alice: User) -> None:
    _, plaintext = api_keys.create_key(alice, "Maker", ["keys:write", "read"])
    status, made = Api(plaintext)("POST", "keys/", {"name": "Child"})
    assert (status, made["scopes"]) == (201, ["read"])


def test_a_browser_must_show_the_pages_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    page = Api(client=client)
    status, answer = page("POST", "keys/", {"name": "Stolen"})
    assert status == 403
    assert "Reload the page" in answer["error"]
    assert not ApiKey.objects.exists()
    assert page("GET", "keys/")[0] == 200


def test_a_key_needs_no_page_token(alice: User, alice_key: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert Api(alice_key, client)("PATCH", "account/", {"name": "By key"})[0] == 200


def test_a_method_that_is_not_there_is_405(api: Api) -> None:
    status, answer = api("PUT", "account/")
    assert status == 405
    assert list(answer) == ["error"]
