"""The newcomer's loop, with the whole product running: sign up, make a key, run it, see the minute."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def assert_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found] == []


def sign_up(page: Page, base: str, email: str) -> None:
    page.goto(f"{base}/accounts/signup/")
    page.get_by_label("E-mail").fill(email)
    page.locator("[name=password1]").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/transcripts/")


def make_key(page: Page, base: str) -> str:
    page.goto(f"{base}/keys/")
    page.get_by_role("link", name="Create key").click()
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="“My laptop” is ready")).to_be_focused()  # so the script is there
    return page.get_by_label("Your new key").input_value()


def test_from_sign_up_to_the_minute_on_the_usage_page(product: Product, open_page: Open, tmp_path: Path) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_up(page, product.address, "newcomer@example.org")
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_role("heading", name="No minute used yet")).to_be_visible()

    key = make_key(page, product.address)
    assert_accessible(page)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == key

    page.get_by_role("button", name="Run it now").click()
    expect(page.locator("[data-answer] [data-state]")).to_contain_text("200 in", timeout=60_000)
    answer = json.loads(page.get_by_label("The answer").inner_text())
    assert answer["text"]
    assert answer["duration"] == pytest.approx(37.3, abs=0.3)
    assert_accessible(page)

    snippet = page.get_by_label("Example for curl").inner_text()
    printed = subprocess.run(["sh", "-ec", snippet], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert json.loads(printed.stdout)["text"] == answer["text"], printed.stderr

    page.get_by_role("link", name="See it on the usage page").click()
    row = page.get_by_role("row", name="sample")
    expect(row.first).to_contain_text("1 min")
    expect(row).to_have_count(2)
    expect(page.get_by_text("2 min for 2 files in 30 days")).to_be_visible()
    assert_accessible(page)
    used = page.request.get(f"{product.address}/api/v1/usage/", headers={"Authorization": f"Bearer {key}"}).json()
    by_source = {"web": 0, "api": 2, "live": 0}
    today = {"requests": 2, "minutes": 2, "credits": 2, "by_source": by_source}
    assert used["days"][-1] | {"date": ""} == {"date": "", **today}
    page.get_by_label("Whose use").select_option("The web")
    expect(page.get_by_text("0 min for 0 files in 30 days")).to_be_visible()
    page.get_by_label("Whose use").select_option("My laptop")
    expect(page.get_by_text("2 min for 2 files in 30 days")).to_be_visible()
    assert_accessible(page)


def test_no_way_back_leads_to_the_key(product: Product, open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_up(page, product.address, "careful@example.org")
    key = make_key(page, product.address)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")

    page.get_by_role("link", name="Docs").first.click()
    page.wait_for_url("**/docs/")
    page.go_back()
    expect(page.get_by_role("rowheader", name="My laptop")).to_be_visible()
    expect(page.get_by_label("Your new key")).to_have_count(0)
    assert key not in page.content()
    page.reload()
    assert key not in page.content()
    expect(page.get_by_role("rowheader")).to_have_count(1)


def test_a_rolled_key_works_on_for_a_day_beside_the_new_one(product: Product, open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_up(page, product.address, "rolling@example.org")
    old = make_key(page, product.address)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")
    page.get_by_role("link", name="Roll My laptop").click()
    assert_accessible(page)
    page.get_by_role("button", name="Roll key").click()
    expect(page.get_by_text("The old key works for 24 hours more.")).to_be_visible()
    new = page.get_by_label("Your new key").input_value()
    assert_accessible(page)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")
    for key in (old, new):
        answer = page.request.get(f"{product.address}/api/v1/keys/", headers={"Authorization": f"Bearer {key}"})
        assert answer.status == 200
    page.go_back()
    page.goto(f"{product.address}/keys/")
    expect(page.get_by_role("rowheader")).to_have_count(2)
    expect(page.get_by_text("in 24 h")).to_be_visible()
    assert new not in page.content()


def test_python_and_javascript_examples_run_as_they_stand(product: Product, open_page: Open, tmp_path: Path) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_up(page, product.address, "coder@example.org")
    make_key(page, product.address)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")

    def run(label: str, command: list[str], **changes: str) -> str:
        page.get_by_label(label.removeprefix("Example for "), exact=True).check()
        source = page.get_by_label(label, exact=True).inner_text()
        for old, new in changes.items():
            source = source.replace(f"import {old}", new)
        done = subprocess.run(command, input=source, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # Every virtual environment has requests inside pip, and Playwright brings a Node.
    python = run("Example for Python", [sys.executable, "-"], requests="from pip._vendor import requests")
    node = run("Example for JavaScript", [compute_driver_executable()[0], "--input-type=module", "-"])
    assert python
    assert python == node
