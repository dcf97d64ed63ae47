"""What an administrator can do to an account, over HTTP."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Entry, User
from accounts.services import api_keys, ledger
from stt_site.lib.admin import REACH
from tests.accounts.test_second_factor import turn_on
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def admin(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def page(alice: User) -> Client:
    """Alice's browser."""
    browser = Client(headers={"Accept": "text/html"})
    browser.force_login(alice)
    assert browser.get("/account/").status_code == 200
    return browser


def act(client: Client, action: str, *users: User, **fields: Any) -> str:
    data = {"action": action, "_selected_action": [user.pk for user in users], **fields}
    return client.post(USERS, data, follow=True).content.decode()


def test_suspending_shuts_out_at_once_and_reinstating_lets_in_again(
    admin: Client, root: User, alice: User, page: Client, alice_key: str
) -> None:
    assert "Suspended 1 accounts." in act(admin, "suspend", alice, root, reason="Spam")
    assert page.get("/account/").status_code == 302
    assert Client().get("/api/v1/account/", headers={"Authorization": f"Bearer {alice_key}"}).status_code == 401
    closed = Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True)
    assert "This account is closed" in closed.content.decode()
    assert admin.get(USERS).status_code == 200, "not oneself"
    assert LogEntry.objects.filter(object_id=alice.pk, change_message__contains="Spam").exists()
    assert "Reinstated 1 accounts." in act(admin, "reinstate", alice)
    assert Client().get("/api/v1/account/", headers={"Authorization": f"Bearer {alice_key}"}).status_code == 200


def test_all_keys_of_an_account_are_revoked(admin: Client, alice: User, bob: User, alice_key: str) -> None:
    _, bobs = api_keys.create_key(bob, "Bob's")
    assert "Revoked 1 keys." in act(admin, "revoke_keys", alice)
    assert api_keys.find(alice_key) is None
    assert api_keys.find(bobs)


def test_a_lost_phone_is_helped_with_a_reason(admin: Client, alice: User, page: Client) -> None:
    turn_on(page)
    assert "Nothing was changed" in act(admin, "remove_second_step", alice, reason=" ")
    assert Authenticator.objects.filter(user=alice).exists()
    act(admin, "remove_second_step", alice, reason="Called back on the known number")
    assert not Authenticator.objects.filter(user=alice).exists()
    assert LogEntry.objects.filter(change_message__contains="Called back").exists()


def test_an_account_is_closed_with_a_reason_and_never_just_deleted(
    admin: Client, root: User, alice: User, page: Client
) -> None:
    assert admin.get(f"{USERS}{alice.pk}/delete/").status_code == 403
    assert "delete_selected" not in admin.get(USERS).content.decode()
    assert "Nothing was erased" in act(admin, "erase", alice)
    assert page.get("/account/").status_code == 200
    html = act(admin, "erase", alice, root, reason="Asked for it by letter")
    assert "is closed; the rest goes within minutes" in html
    assert "You are the only administrator." in html
    assert page.get("/account/").status_code == 302
    alice.refresh_from_db()
    assert alice.erasing_since
    assert "alice" not in alice.email
    assert "Reinstated 0 accounts." in act(admin, "reinstate", alice)
    assert "Being erased" in admin.get(USERS).content.decode()


@pytest.mark.parametrize("action", ["suspend", "reinstate", "revoke_keys", "remove_second_step", "erase"])
def test_staff_that_may_only_look_cannot_act(client: Client, alice: User, alice_key: str, action: str) -> None:
    staff = User.objects.create_user("staff@example.com", PASSWORD, is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename="view_user"))
    client.force_login(staff)
    act(client, action, alice, reason="mine")
    alice.refresh_from_db()
    assert (alice.is_active, alice.erasing_since) == (True, None)
    assert api_keys.find(alice_key)


def test_the_list_shows_state_minutes_and_age(admin: Client, alice: User) -> None:
    ledger.reserve(alice, "job:1", 2_500)
    ledger.settle("job:1", 1_500)
    row = next(row for row in admin.get(f"{USERS}?q=alice").content.decode().split("<tr>") if "alice@" in row)
    assert '<td class="field-used_this_month">1.5</td>' in row
    assert '<span class="state state--ok">Active</span>' in row
    assert '<td class="field-since">0 min</td>' in row


@pytest.mark.parametrize("path", ["", "?q=alice", "?is_active__exact=1", "?o=4"])
def test_a_long_list_is_never_counted_to_its_end(admin: Client, alice: User, path: str) -> None:
    ledger.grant(alice, 1_000, actor="test", reason="test")
    for address in (USERS, "/admin/accounts/entry/", "/admin/transcripts/job/", "/admin/transcripts/transcript/"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert admin.get(address + (path if address == USERS else "")).status_code == 200
        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
        assert counts
        assert all(f"LIMIT {REACH}" in sql for sql in counts), counts


def test_secrets_of_the_second_step_are_not_looked_at(admin: Client, page: Client) -> None:
    turn_on(page)
    html = admin.get("/admin/").content.decode()
    assert "Authenticator" not in html
    assert admin.get("/admin/mfa/authenticator/").status_code == 404
    assert admin.get("/admin/usersessions/usersession/").status_code == 404


def test_the_queue_is_not_written_to_by_hand(admin: Client) -> None:
    for model in ("schedule", "ormq", "success", "failure"):
        assert admin.get(f"/admin/django_q/{model}/").status_code == 404


def test_addresses_can_be_searched(admin: Client, alice: User) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    assert "alice@example.com" in admin.get("/admin/account/emailaddress/?q=alice").content.decode()


def test_the_front_page_says_how_the_server_is(admin: Client, root: User) -> None:
    html = admin.get("/admin/").content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "Waiting 0 Running 0 of 4 at once Failed in 24 h 0" in words
    assert "to do Mail is sent Set STT_EMAIL_HOST" in words
    assert "to do Your sign-in has a second step" in words
    turn_on(admin)
    words = " ".join(re.sub(r"<[^>]+>", " ", admin.get("/admin/").content.decode()).split())
    assert "done Your sign-in has a second step" in words


def test_the_ledger_names_who_granted_by_number(admin: Client, root: User, alice: User) -> None:
    act(admin, "grant_minutes", alice, minutes="5", reason="Thanks", token="0123456789abcdef")
    assert Entry.objects.get(kind=Entry.Kind.GRANT).actor == f"user:{root.pk}"
