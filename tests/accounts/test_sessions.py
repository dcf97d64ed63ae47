"""Where an account is signed in."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.web.sessions import device
from tests.conftest import PASSWORD
from tests.web.test_pages import INLINE

pytestmark = pytest.mark.django_db
PAGE = "/accounts/sessions/"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"


def signed_in(user_agent: str, ip: str = "198.51.100.7") -> Client:
    browser = Client(headers={"User-Agent": user_agent, "Accept": "text/html"}, REMOTE_ADDR=ip)
    browser.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert is_in(browser)
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


def test_each_device_is_named_with_its_address(alice: User) -> None:
    here = signed_in(LINUX, "203.0.113.9")
    signed_in(PHONE)
    html = here.get(PAGE).content.decode()
    assert not INLINE.search(html)
    first, second = html.split("<li>")[-2:]
    assert "Firefox on Linux" in first
    assert "203.0.113.9" in first
    assert "This one" in first
    assert "Sign out" not in first
    assert "Safari on iPhone" in second
    assert "198.51.100.7" in second


def test_the_others_are_signed_out_at_once(alice: User) -> None:
    here, phone, work = (signed_in(agent) for agent in (LINUX, PHONE, WINDOWS))
    assert b"Signed out 2 other devices." in here.post(PAGE, follow=True).content
    assert is_in(here)
    assert not is_in(phone)
    assert not is_in(work)


def test_one_of_them_is_signed_out(alice: User) -> None:
    here, phone, work = (signed_in(agent) for agent in (LINUX, PHONE, WINDOWS))
    session = UserSession.objects.get(user_agent=PHONE)
    here.post(PAGE, {"end": session.pk})
    assert [is_in(browser) for browser in (here, phone, work)] == [True, False, True]


def test_nobody_ends_the_session_of_another(alice: User, bob: User) -> None:
    browser = signed_in(LINUX)
    stranger = Client()
    stranger.force_login(bob)
    stranger.post(PAGE, {"end": UserSession.objects.get(user=alice).pk})
    stranger.post(PAGE)
    assert is_in(browser)


def test_a_visit_is_noted_to_the_minute(alice: User) -> None:
    browser = signed_in(LINUX)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=3))
    browser.get("/activity/", headers={"Accept": "application/json"})
    assert UserSession.objects.get().last_seen_at < timezone.now() - timedelta(hours=2)
    browser.get("/usage/", REMOTE_ADDR="203.0.113.20")
    seen = UserSession.objects.get()
    assert seen.last_seen_at > timezone.now() - timedelta(minutes=1)
    assert seen.ip == "203.0.113.20"
    browser.get("/usage/")
    assert UserSession.objects.get().last_seen_at == seen.last_seen_at


def test_a_new_password_signs_the_other_devices_out(alice: User) -> None:
    here, phone = signed_in(LINUX), signed_in(PHONE)
    new = "another long password"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_in(here)
    assert not is_in(phone)
    assert b"Safari on iPhone" not in here.get(PAGE).content


def test_a_client_without_an_address_can_sign_in(alice: User) -> None:
    """A proxy on a Unix socket that does not say who is behind it."""
    browser = signed_in(LINUX, "")
    assert b"0.0.0.0" not in browser.get(PAGE).content


def test_a_session_known_before_signing_in_is_not_the_one_after_it(alice: User) -> None:
    browser = Client()
    browser.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})
    browser.cookies["sessionid"] = "planted0planted0planted0planted0"
    browser.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert browser.cookies["sessionid"].value not in ("", "planted0planted0planted0planted0")
    thief = Client()
    thief.cookies["sessionid"] = "planted0planted0planted0planted0"
    assert is_in(browser)
    assert not is_in(thief)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (LINUX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (WINDOWS, "Edge on Windows"),
        ("curl/8.5.0", "curl"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("", "An unknown device"),
    ],
)
def test_a_device_in_words(user_agent: str, words: str) -> None:
    assert device(user_agent) == words
