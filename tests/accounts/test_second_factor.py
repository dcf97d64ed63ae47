"""Two-step sign-in as a browser without scripts sees it."""

import json
import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.accounts import totp
from tests.conftest import PASSWORD
from tests.web.test_pages import INLINE

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
ACTIVATE = "/accounts/2fa/totp/activate/"
CODES = "/accounts/2fa/recovery-codes/"


def prove(browser: Client, address: str, password: str = PASSWORD) -> str:
    """Opens a page that asks for the password first; the page."""
    asked = browser.get(address)
    assert asked.status_code == 302
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    answer = browser.post(asked["Location"], {"password": password}, follow=True)
    return answer.content.decode()


def turn_on(browser: Client) -> str:
    """The secret that the app keeps."""
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]+)"', prove(browser, ACTIVATE))
    assert secret
    assert browser.post(ACTIVATE, {"code": totp.code(secret[1])})["Location"] == CODES
    return secret[1]


def recovery_codes(browser: Client) -> list[str]:
    return re.findall(r"(?:>|^)(\d{8})$", browser.get(CODES).content.decode(), re.MULTILINE)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    client.force_login(alice)
    return client


def password_step(email: str = "alice@example.com", **more: str) -> Client:
    browser = Client()
    assert browser.post(LOGIN, {"login": email, "password": PASSWORD} | more)["Location"].startswith(AUTHENTICATE)
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


def test_turning_on_shows_a_picture_a_key_and_the_recovery_codes(page: Client) -> None:
    html = prove(page, ACTIVATE)
    assert 'src="data:image/svg+xml;base64,' in html
    assert not INLINE.search(html)
    secret = turn_on_again(html, page)
    html = page.get(CODES).content.decode()
    assert not INLINE.search(html)
    assert len(set(recovery_codes(page))) == 10
    download = page.get(f"{CODES}download/")
    assert download["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert download.content.decode().split() == recovery_codes(page)
    assert "Two-step sign-in</dt><dd><span" in page.get("/account/").content.decode()
    # A copy of the database makes no codes.
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept


def turn_on_again(html: str, browser: Client) -> str:
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]+)"', html)
    assert secret
    wrong = browser.post(ACTIVATE, {"code": "000000" if totp.code(secret[1]) != "000000" else "000001"})
    assert "not right" in wrong.content.decode()
    assert not Authenticator.objects.exists()
    assert browser.post(ACTIVATE, {"code": totp.code(secret[1])}).status_code == 302
    return secret[1]


def test_the_password_alone_opens_nothing(page: Client) -> None:
    turn_on(page)
    browser = password_step()
    assert not is_in(browser)
    assert browser.get("/api/v1/account/").status_code == 401
    assert browser.get("/admin/").status_code == 302
    html = browser.get(AUTHENTICATE).content.decode()
    assert re.search(r'<input[^>]*name="code"[^>]*inputmode="numeric"[^>]*autocomplete="one-time-code"', html)
    assert not INLINE.search(html)


def test_the_code_of_the_app_signs_in_once(page: Client) -> None:
    secret = turn_on(page)
    first, second = password_step(next="/usage/"), password_step()
    code = totp.code(secret)
    assert first.post(AUTHENTICATE, {"code": f"{code[:3]} {code[3:]}"})["Location"] == "/usage/"
    assert is_in(first)
    refused = second.post(AUTHENTICATE, {"code": code})
    assert refused.status_code == 200
    assert "works once" in refused.content.decode()
    assert not is_in(second)


def test_each_recovery_code_signs_in_once(page: Client) -> None:
    turn_on(page)
    code = recovery_codes(page)[3]
    first, second = password_step(), password_step()
    assert first.post(AUTHENTICATE, {"code": code}).status_code == 302
    assert is_in(first)
    assert second.post(AUTHENTICATE, {"code": code}).status_code == 200
    assert not is_in(second)
    assert "9 of 10 left" in page.get("/accounts/2fa/").content.decode()
    assert code not in recovery_codes(page)


def test_guessing_codes_is_stopped_and_says_for_how_long(page: Client) -> None:
    secret = turn_on(page)
    browser = password_step()
    for _ in range(5):
        browser.post(AUTHENTICATE, {"code": "no code"})
    answer = browser.post(AUTHENTICATE, {"code": totp.code(secret)})
    assert "Too many wrong codes. Try again in 5 minutes." in answer.content.decode()
    assert not is_in(browser)


def test_the_administration_is_behind_the_second_step_too(client: Client) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    client.force_login(root)
    secret = turn_on(client)
    browser = password_step("root@example.com", next="/admin/")
    assert browser.get("/admin/accounts/user/")["Location"].startswith("/admin/login/")
    assert browser.get("/admin/login/?next=/admin/")["Location"].startswith(LOGIN)
    assert browser.post(AUTHENTICATE, {"code": totp.code(secret)})["Location"] == "/admin/"
    assert browser.get("/admin/accounts/user/").status_code == 200


def test_turning_off_asks_again_and_tells_by_mail(page: Client) -> None:
    turn_on(page)
    mail.outbox.clear()
    page.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert "deactivated" in mail.outbox[0].body
    browser = Client()
    browser.post(LOGIN, {"login": "alice@example.com", "password": PASSWORD})
    assert is_in(browser)


def test_new_recovery_codes_end_the_old_ones(page: Client) -> None:
    turn_on(page)
    old = recovery_codes(page)
    assert page.post(f"{CODES}generate/")["Location"] == CODES
    assert not set(old) & set(recovery_codes(page))
    assert password_step().post(AUTHENTICATE, {"code": old[0]}).status_code == 200


def test_an_address_nobody_confirmed_is_not_locked_up(page: Client, settings: Settings) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    EmailAddress.objects.update(verified=False)
    html = prove(page, ACTIVATE)
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]+)"', html)
    assert secret
    answer = page.post(ACTIVATE, {"code": totp.code(secret[1])})
    assert "Confirm your e-mail address first" in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_a_lost_pepper_is_said_and_opens_nothing(page: Client, settings: Settings) -> None:
    turn_on(page)
    settings.API_KEY_PEPPER = "another"
    browser = password_step()
    answer = browser.post(AUTHENTICATE, {"code": "123456"})
    assert answer.status_code == 500
    assert "Its administrator can switch the step off." in answer.content.decode()
    assert not is_in(browser)
