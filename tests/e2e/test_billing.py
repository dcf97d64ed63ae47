"""A pack bought in a real browser: our page, the page to pay on, and back, with the whole product running."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Product
from tests.e2e.test_keys import assert_accessible, sign_up
from tests.stripe_double.server import SECRET, Double, running, send

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    with running() as double:
        double.world.price(900, 300, name="300 minutes")
        double.world.price(3000, 1200, name="1,200 minutes")
        double.world.price(2400, 1200, name="Monthly", interval="month")
        yield double


@pytest.fixture(scope="module")
def shop(double: Double, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, selling."""
    product = Product(
        tmp_path_factory.mktemp("shop"),
        STT_STRIPE_API=double.address,
        STT_STRIPE_PAGES=double.address,
        STT_STRIPE_SECRET_KEY=double.world.key,
        STT_STRIPE_WEBHOOK_SECRET=SECRET,
    )
    # Under the name that the server gives itself: cookies are of a name, and Stripe leads back to this one.
    product.address = product.address.replace("127.0.0.1", "localhost")
    yield product
    product.stop()


def left(page: Page) -> str:
    return page.locator(".sidebar .balance").inner_text().splitlines()[0]


def test_a_pack_from_the_button_to_the_number(shop: Product, double: Double, open_page: Open) -> None:
    page = open_page()
    sign_up(page, shop.address, "buyer@example.org")
    page.get_by_role("link", name="Billing", exact=True).click()
    assert left(page) == "600 min left"
    expect(page.get_by_text("Test mode: no real money")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("button", name="Buy 300 min").press("Enter")
    page.wait_for_url(f"{double.address}/pay/*")
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Paid. Thank you.")).to_be_visible()
    assert left(page) == "900 min left"
    assert_accessible(page)

    for event in list(double.world.events):
        assert send(event, f"{shop.address}/stripe/webhook/") == 200
    page.get_by_role("link", name="To the billing page").click()
    row = page.get_by_role("row", name=re.compile("Bought: 300 minutes"))
    expect(row).to_contain_text("$9.00")
    expect(row).to_contain_text("+300")
    assert left(page) == "900 min left"
    page.get_by_role("button", name="Invoices and cards").click()
    page.wait_for_url(f"{double.address}/portal/*")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()


def test_a_transfer_that_takes_its_time_is_waited_for(shop: Product, double: Double, open_page: Open) -> None:
    page = open_page()
    sign_up(page, shop.address, "patient@example.org")
    page.goto(f"{shop.address}/billing/")
    page.get_by_role("button", name="Buy 1,200 min").click()
    page.wait_for_url(f"{double.address}/pay/*")
    session = page.url.rpartition("/")[2]
    double.world.pay(session, later=True)
    page.goto(double.world.objects[session]["success_url"])
    expect(page.get_by_role("heading", name="Waiting for Stripe …")).to_be_visible()
    assert_accessible(page)

    told = len(double.world.events)
    double.world.arrive(session)
    for event in double.world.events[told:]:
        assert send(event, f"{shop.address}/stripe/webhook/") == 200
    # The worker applies it, and the page hears of it by itself.
    expect(page.get_by_role("heading", name="Paid. Thank you.")).to_be_visible(timeout=30_000)
    assert left(page) == "1800 min left"


def test_without_scripts_the_pack_is_bought_too(shop: Product, double: Double, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    sign_up(page, shop.address, "plain@example.org")
    page.goto(f"{shop.address}/billing/")
    page.get_by_role("button", name="Buy 300 min").click()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Paid. Thank you.")).to_be_visible()


def test_who_turns_back_has_bought_nothing(shop: Product, double: Double, open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, shop.address, "doubtful@example.org")
    page.goto(f"{shop.address}/billing/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Buy 300 min").click()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("Nothing was bought")).to_be_visible()
    page.get_by_role("button", name="Buy 300 min").click()
    page.wait_for_url(f"{double.address}/pay/*")
