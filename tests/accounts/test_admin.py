import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import ApiKey, Entry, User
from accounts.services import api_keys, ledger
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


def grant(client: Client, users: list[User], **fields: str) -> str:
    page = client.get("/admin/accounts/user/").content.decode()
    token = re.search(r'name="token" value="([0-9a-f]{16})"', page)
    assert token
    data = {"action": "grant_minutes", "_selected_action": [user.pk for user in users], "token": token[1]} | fields
    return client.post("/admin/accounts/user/", data, follow=True).content.decode()


def test_minutes_are_granted_with_a_reason_that_stays_on_record(admin: Client, alice: User, bob: User) -> None:
    assert "Granted 30 minutes to 2 accounts" in grant(admin, [alice, bob], minutes="30", reason="Thanks for testing")
    assert ledger.balance(alice).paid_mc == ledger.balance(bob).paid_mc == 30_000
    root = User.objects.get(email="root@example.com")
    entry = Entry.objects.get(owner_id=alice.pk, kind=Entry.Kind.GRANT)
    assert (entry.actor, entry.memo) == (f"user:{root.pk}", "Thanks for testing")
    assert LogEntry.objects.filter(object_id=alice.pk, change_message__contains="Thanks for testing").exists()


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [("", "why"), ("0", "why"), ("-5", "why"), ("1.5", "why"), ("x", "why"), ("5", ""), ("5", " ")],
)
def test_no_minutes_without_a_number_and_a_reason(admin: Client, alice: User, minutes: str, reason: str) -> None:
    assert "Nothing was granted" in grant(admin, [alice], minutes=minutes, reason=reason)
    assert not Entry.objects.exists()


def test_the_same_form_sent_twice_grants_once(admin: Client, alice: User) -> None:
    for _ in range(2):
        grant(admin, [alice], minutes="30", reason="Double click", token="0123456789abcdef")
    assert ledger.balance(alice).paid_mc == 30_000


def test_staff_without_the_right_cannot_grant(client: Client, alice: User) -> None:
    staff = User.objects.create_user("staff@example.com", PASSWORD, is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client.force_login(staff)
    data = {"action": "grant_minutes", "_selected_action": [alice.pk], "minutes": "5", "reason": "mine", "token": "1"}
    client.post("/admin/accounts/user/", data)
    assert not Entry.objects.exists()


def test_a_person_can_be_added_by_e_mail(admin: Client) -> None:
    data = {"email": "New@Example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert admin.post("/admin/accounts/user/add/", data).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)


def test_a_person_can_be_looked_up_and_changed(admin: Client, alice: User) -> None:
    assert "alice@example.com" in admin.get("/admin/accounts/user/?q=alice").content.decode()
    page = admin.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "600 of this month" in page


def test_keys_are_shown_without_secrets_and_can_be_revoked(admin: Client, alice: User) -> None:
    key, plaintext = api_keys.create_key(alice, "Laptop")
    pages = [
        admin.get(path).content.decode()
        for path in ("/admin/accounts/apikey/", f"/admin/accounts/apikey/{key.pk}/change/")
    ]
    assert all(key.display in page and key.secret_hash not in page for page in pages)
    data = {"action": "revoke", "_selected_action": [key.pk]}
    admin.post("/admin/accounts/apikey/", data)
    assert api_keys.find(plaintext) is None
    assert ApiKey.objects.get().revoked_at is not None


@pytest.mark.parametrize("model", ["entry", "account", "creditlot", "reservation", "apikey"])
def test_the_ledger_is_for_reading(admin: Client, alice: User, model: str) -> None:
    ledger.grant(alice, 1_000, actor="test", reason="test")
    ledger.reserve(alice, "job:1", 500)
    api_keys.create_key(alice, "Laptop")
    page = admin.get(f"/admin/accounts/{model}/")
    assert page.status_code == 200
    assert admin.get(f"/admin/accounts/{model}/add/").status_code == 403
    row = re.search(rf"/admin/accounts/{model}/([^/\"]+)/change/", page.content.decode())
    assert row
    assert admin.get(row[0]).status_code == 200
    assert admin.post(row[0], {}).status_code == 403
    assert admin.post(row[0].replace("change", "delete"), {"post": "yes"}).status_code == 403
