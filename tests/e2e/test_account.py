"""An account's whole life in a real browser, from sign-up to its end; every page on the way without a barrier."""

import os
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from engine.types import EngineStatus, ModelStatus
from tests.accounts import totp
from tests.conftest import PASSWORD
from tests.e2e.conftest import Open
from tests.e2e.reading import violations
from tests.web import rows
from transcripts import engine_gateway
from transcripts.services import erase, sweep

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OLD, NEW = "dora@example.com", "dora@example.org"
WIDTHS = (320, 390, 1280)


@pytest.fixture(autouse=True)
def engine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    status = EngineStatus("base", False, "cpu", None, None, "full", (ModelStatus("base", True, False),))
    monkeypatch.setattr(engine_gateway, "status", lambda: status)


def check(page: Page, name: str) -> None:
    """Axe finds nothing, in light and dark, and nothing scrolls sideways."""
    shots = os.environ.get("STENO_TEST_SHOTS")
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], (name, scheme)
        if shots:
            page.screenshot(path=f"{shots}/{name}_{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
        if shots and width == 390:
            page.screenshot(path=f"{shots}/{name}_390.png", full_page=True)
    assert size
    page.set_viewport_size(size)


def link_in(message: str) -> str:
    found = re.search(r"https?://[^/\s]+(/accounts/confirm-email/\S+)", message)
    assert found
    return found[1]


def test_the_life_of_an_account(open_page: Open, live_server: LiveServer, complaints: list[str]) -> None:
    page, base = open_page(), live_server.url
    page.goto(f"{base}/accounts/signup/")
    check(page, "sign-up")
    page.get_by_label("E-mail").fill(OLD)
    page.locator("[name=password1]").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/transcripts/")
    user = User.objects.get(email=OLD)
    made = rows.transcript(user)

    secret, codes = turn_on_the_second_step(page, base)
    sign_in_with_a_code(page, base, secret)
    change_the_address(page, base)
    another = elsewhere(open_page(java_script_enabled=False), base, codes[0])
    sign_out_the_other(page, base, another)
    change_what_is_sent(page, base, user)

    page.get_by_role("link", name="Export your data").click()
    check(page, "export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with ZipFile(download.value.path()) as file:
        assert f"transcripts/{made.slug}/transcript.txt" in file.namelist()
    leave(page, base, user)
    complaints[:] = [line for line in complaints if "400" not in line]  # the wrong address, on purpose


def turn_on_the_second_step(page: Page, base: str) -> tuple[str, list[str]]:
    page.goto(f"{base}/account/")
    check(page, "account")
    page.get_by_role("link", name="Turn on two-step sign-in").click()
    check(page, "second-step-off")
    page.get_by_role("link", name="Turn on").click()
    check(page, "password-please")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("img", name="The key below as a QR code")).to_be_visible()
    check(page, "second-step-turn-on")
    secret = page.get_by_label("Key").input_value()
    page.get_by_label("Code").fill(totp.code(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    check(page, "recovery-codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    codes = Path(download.value.path()).read_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    check(page, "second-step-on")
    return secret, codes


def sign_in_with_a_code(page: Page, base: str, secret: str) -> None:
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{base}/accounts/login/?next=/account/")
    check(page, "sign-in")
    page.get_by_label("E-mail").fill(OLD)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    check(page, "second-step-asked")
    page.get_by_label("Code from your app").fill("0000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("That code is not right.")).to_be_visible()
    check(page, "second-step-wrong")
    page.get_by_label("Code from your app").fill(totp.code(secret))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/")


def change_the_address(page: Page, base: str) -> None:
    page.get_by_role("link", name="Change your e-mail address").click()
    check(page, "e-mail")
    page.get_by_label("New address").fill(NEW)
    page.get_by_role("button", name="Change address").click()
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("waits to be confirmed")).to_be_visible()
    check(page, "e-mail-waiting")
    page.goto(base + link_in(str(mail.outbox[-1].body)))
    check(page, "e-mail-confirm")
    page.get_by_role("button", name="Yes, confirm").click()
    page.wait_for_url(lambda url: "confirm-email" not in url)
    page.goto(f"{base}/account/")
    expect(page.get_by_role("definition").filter(has_text=NEW)).to_be_visible()
    assert mail.outbox[-1].to == [OLD]
    assert NEW in mail.outbox[-1].body


def elsewhere(browser: Page, base: str, code: str) -> Page:
    """Another device, and one without scripts at that."""
    browser.goto(f"{base}/accounts/login/")
    browser.get_by_label("E-mail").fill(NEW)
    browser.locator("[name=password]").fill(PASSWORD)
    browser.get_by_role("button", name="Sign in").click()
    browser.get_by_label("Code from your app").fill(code)
    browser.get_by_role("button", name="Sign in").click()
    browser.wait_for_url("**/transcripts/")
    return browser


def sign_out_the_other(page: Page, base: str, another: Page) -> None:
    page.goto(f"{base}/account/")
    page.get_by_role("link", name="Look at the devices").click()
    expect(page.get_by_role("listitem").filter(has_text="Chrome on Linux")).to_have_count(2)
    check(page, "devices")
    page.get_by_role("button", name="Sign out all other devices").click()
    expect(page.get_by_text("Signed out 1 other device.")).to_be_visible()
    another.goto(f"{base}/usage/")
    another.wait_for_url("**/accounts/login/**")


def change_what_is_sent(page: Page, base: str, user: User) -> None:
    page.goto(f"{base}/account/")
    page.get_by_label("Minutes are running out").uncheck()
    page.get_by_label("A transcript is ready").check()
    page.get_by_role("button", name="Save messages").click()
    expect(page.get_by_text("Your choice of messages is saved.")).to_be_visible()
    check(page, "account-saved")
    user.refresh_from_db()
    assert (user.mail_low_credits, user.mail_transcript_ready) == (False, True)


def leave(page: Page, base: str, user: User) -> None:
    page.goto(f"{base}/account/")
    page.get_by_role("link", name="Delete your account").click()
    check(page, "delete")
    page.get_by_label("To confirm, type your address").fill(OLD)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("That is not the address of this account.")).to_be_visible()
    check(page, "delete-wrong")
    page.get_by_label("To confirm, type your address").fill(NEW)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("heading", name="Your account is closed")).to_be_visible()
    check(page, "closed")
    assert erase.holdings(user).transcripts == 1
    sweep.clean()
    assert not User.objects.filter(pk=user.pk).exists()
    assert erase.holdings(user).transcripts == 0


def test_the_administration_runs_under_the_content_policy(
    open_page: Open, live_server: LiveServer, alice: User, complaints: list[str]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    rows.transcript(alice)
    page = open_page()
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("E-mail").fill(alice.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")
    shots = os.environ.get("STENO_TEST_SHOTS")
    for name, path in {
        "admin": "/admin/",
        "admin-users": "/admin/accounts/user/",
        "admin-user": f"/admin/accounts/user/{alice.pk}/change/",
        "admin-jobs": "/admin/transcripts/job/",
    }.items():
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        for scheme in ("light", "dark") if shots else ():
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{shots}/{name}_{scheme}.png", full_page=True)
    assert complaints == []
