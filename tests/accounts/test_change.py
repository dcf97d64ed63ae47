"""Changing what one signs in with: the new address is confirmed first, and the old one is told."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/accounts/email/"
NEW = "alice@example.org"


@pytest.fixture(params=[True, False], ids=["confirmed", "never confirmed"])
def page(request: pytest.FixtureRequest, client: Client, alice: User) -> Client:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=request.param)
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    return client


def ask(page: Client, email: str = NEW) -> str:
    """Sends the form, and the password that is asked for in between; the page at the end."""
    asked = page.post(PAGE, {"email": email, "action_add": ""})
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    return page.post(asked["Location"], {"password": PASSWORD}, follow=True).content.decode()


def link() -> str:
    found = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_the_new_address_counts_when_it_is_confirmed(page: Client, alice: User) -> None:
    assert "waits to be confirmed" in ask(page)
    assert mail.outbox[-1].to == [NEW]
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    page.post(link())
    alice.refresh_from_db()
    assert alice.email == NEW
    told = mail.outbox[-1]
    assert told.to == ["alice@example.com"]
    assert NEW in told.body
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(NEW, True, True)]
    browser = Client()
    browser.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert "_auth_user_id" not in browser.session
    browser.post("/accounts/login/", {"login": NEW, "password": PASSWORD})
    assert "_auth_user_id" in browser.session


def test_a_second_wish_takes_the_place_of_the_first(page: Client, alice: User) -> None:
    ask(page, "typo@example.org")
    late = link()
    page.post(PAGE, {"email": NEW, "action_add": ""})
    page.post(late)
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    page.post(link())
    alice.refresh_from_db()
    assert alice.email == NEW


def test_a_wish_can_be_taken_back(page: Client, alice: User) -> None:
    ask(page)
    page.post(PAGE, {"email": NEW, "action_remove": ""})
    assert not EmailAddress.objects.filter(email=NEW).exists()
    page.post(PAGE, {"email": alice.email, "action_remove": ""})
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"


def test_the_address_of_another_account_is_neither_told_nor_taken(page: Client, alice: User, bob: User) -> None:
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    assert "waits to be confirmed" in ask(page, bob.email)
    page.post(link())
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    assert User.objects.filter(email=bob.email).count() == 1


def test_without_the_password_nothing_changes(client: Client, alice: User) -> None:
    client.force_login(alice)
    asked = client.post(PAGE, {"email": NEW, "action_add": ""})
    assert "That is not your password." in client.post(asked["Location"], {"password": "wrong"}).content.decode()
    assert not EmailAddress.objects.filter(email=NEW).exists()


def test_a_new_password_needs_the_old_one_and_is_told_by_mail(page: Client, alice: User) -> None:
    change = "/accounts/password/change/"
    new = {"password1": "another long password", "password2": "another long password"}
    assert page.post(change, {"oldpassword": "wrong", **new}).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    answer = page.post(change, {"oldpassword": PASSWORD, **new}, follow=True).content.decode()
    assert "Your password is changed." in answer
    assert mail.outbox[-1].to == ["alice@example.com"]
    alice.refresh_from_db()
    assert alice.check_password("another long password")
