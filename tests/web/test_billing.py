"""The billing page in each of its states, the way back from the payment, and the statement."""

import csv
import io

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import Entry, User
from accounts.services import checkout, ledger, purchases, statement
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.accounts.conftest import double, stripe_server  # noqa: F401 (fixtures)
from tests.accounts.paying import Customer
from tests.conftest import Clock
from tests.stripe_double.server import Double
from tests.web.test_pages import INLINE
from tests.web.test_usage import charged, failed
from transcripts.models import Transcript
from transcripts.services import transcripts
from transcripts.web.errors import refusal


@pytest.fixture
def customer(double: Double, alice: User) -> Customer:  # noqa: F811
    return Customer(double, alice)


def html_of(browser: Client, address: str = "/billing/") -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert not INLINE.search(html.replace("http://127.0.0.1", ""))
    return html


def test_without_stripe_the_administrator_gives(page: Client) -> None:
    html = html_of(page)
    assert "Minutes are granted by your administrator." in html
    assert "Test mode" not in html
    assert "/billing/buy/" not in html
    assert "600 free min" in html
    assert page.get("/billing/")["Content-Security-Policy"].endswith("form-action 'self'")
    assert page.post("/billing/buy/", {"price": "price_1", "order": checkout.new_key()}).status_code == 404
    assert page.post("/billing/portal/").status_code == 404


def test_what_is_for_sale_is_named_as_stripe_names_it(customer: Customer) -> None:
    customer.world.price(900, 300, name="Small <pack>")
    customer.world.price(2400, 1200, name="Monthly", interval="month")
    customer.world.price(5000, name="Shoes")
    html = html_of(customer.browser)
    assert "Small &lt;pack&gt;" in html
    assert "$9.00" in html
    assert "300 min, $1.80 an hour" in html
    assert "$24.00 a month" in html
    assert "1,200 min a month, $1.20 an hour" in html
    assert "Shoes" not in html
    answer = customer.browser.get("/billing/")
    assert answer["Content-Security-Policy"].endswith(f"form-action 'self' {customer.double.address}")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("address", ["/billing/", "/transcripts/", "/docs/"])
def test_a_test_key_says_so_on_every_page(customer: Customer, settings: Settings, address: str) -> None:
    assert "Test mode: no real money" in html_of(customer.browser, address)
    customer.world.key = settings.STRIPE_SECRET_KEY = "sk_live_double"
    try:
        assert "Test mode" not in html_of(customer.browser, address)
    finally:
        customer.world.key = "sk_test_double"


def test_a_provider_that_is_away_takes_nothing_else_along(customer: Customer) -> None:
    ledger.grant(customer.user, 5_000, actor="admin", reason="A present")
    customer.world.is_down = True
    html = html_of(customer.browser)
    assert "The prices cannot be shown just now." in html
    assert "A present" in html


def test_a_key_that_stripe_refuses_is_said_to_the_reader_without_the_key(
    customer: Customer, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    html = html_of(customer.browser)
    assert "The administrator finds the reason" in html
    assert "sk_test_wrong" not in html


def test_the_way_back_asks_stripe_itself(customer: Customer) -> None:
    """The message is lost: nothing is told, and still the page that the buyer comes back to knows."""
    session = customer.begin(customer.world.price(900, 300)["id"])
    address = session["success_url"].partition("8000")[2]
    waiting = html_of(customer.browser, address)
    assert "Waiting for Stripe" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert customer.browser.get(f"{address}state/").json() == {"state": "open"}
    customer.world.pay(session["id"])
    assert customer.browser.get(f"{address}state/").json() == {"state": "open"}
    html = html_of(customer.browser, address)
    assert "Paid. Thank you." in html
    assert "300 min" in html
    assert customer.browser.get(f"{address}state/").json() == {"state": "paid"}
    customer.hear()
    assert ledger.balance(customer.user).paid_mc == 300_000


def test_a_provider_that_is_away_leaves_the_way_back_waiting(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    customer.world.pay(session["id"])
    customer.world.is_down = True
    assert "Waiting for Stripe" in html_of(customer.browser, session["success_url"].partition("8000")[2])


def test_who_turned_back_is_told_that_nothing_changed(customer: Customer) -> None:
    session = customer.begin(customer.world.price(900, 300)["id"])
    assert "Nothing was bought" in html_of(customer.browser, session["cancel_url"].partition("8000")[2])


def test_a_subscriber_sees_the_plan_and_no_second_offer(customer: Customer) -> None:
    customer.buy(customer.world.price(2400, 1200, name="Monthly", interval="month")["id"])
    html = html_of(customer.browser)
    assert "renews on" in html
    assert "Subscribe" not in html
    (subscription,) = customer.world.all("subscription")
    subscription["cancel_at_period_end"] = True
    customer.world.tell("customer.subscription.updated", subscription)
    customer.hear()
    assert "ends on" in html_of(customer.browser)


def test_invoices_are_on_stripes_page(customer: Customer) -> None:
    assert customer.browser.post("/billing/portal/").status_code == 404
    assert "Invoices and cards" not in html_of(customer.browser)
    customer.buy(customer.world.price(900, 300)["id"])
    assert "Invoices and cards" in html_of(customer.browser)
    answer = customer.browser.post("/billing/portal/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{customer.double.address}/portal/")


def test_a_debt_is_said_with_what_to_do(customer: Customer) -> None:
    order = customer.buy(customer.world.price(900, 300)["id"])
    ledger.reserve(customer.user, "job:1", 250_000)
    ledger.settle("job:1", 250_000)
    purchases.take_back(str(order.payment_intent), "stripe:re:1", Entry.Kind.REFUND, 900)
    html = html_of(customer.browser)
    assert "This account owes 250 min." in html
    assert "−250" in html
    assert "Bought" in html
    assert "Refunded" in html


def test_the_statement_lists_what_came_and_went_with_the_balance(page: Client, alice: User, clock: Clock) -> None:
    ledger.grant(alice, 5_000, actor="admin", reason="For the <demo>")
    clock.advance(minutes=1)
    talk = charged(alice, 12, title="Monday <b>talk</b>")
    clock.advance(minutes=1)
    failed(alice)
    clock.advance(minutes=1)
    gone = charged(alice, 1, title="Gone")
    transcripts.delete(Transcript.objects.get(pk=gone.pk))
    found = [(line.kind.value, line.amount_mc, line.balance_mc) for line in statement.lines(alice)]
    assert found == [
        ("settle", -1_000, 592_000),
        ("release", 0, 593_000),
        ("settle", -12_000, 593_000),
        ("free_month", 600_000, 605_000),
        ("grant", 5_000, 5_000),
    ]
    html = html_of(page)
    assert f'<a href="/transcripts/{talk.slug}/"><bdi>Monday &lt;b&gt;talk&lt;/b&gt;</bdi></a>' in html
    assert "Free minutes of November" in html
    assert "For the &lt;demo&gt;" in html
    assert "Not charged: " in html
    assert "A deleted transcript" in html
    assert "+600" in html
    table = list(csv.reader(io.StringIO(page.get("/billing/ledger.csv").content.decode())))
    assert table[0] == ["time", "kind", "reference", "minutes", "balance"]
    assert table[1][1:] == ["settle", f"job:{gone.job_id}", "-1", "592"]
    assert len(table) == 6


def test_unused_minutes_that_ended_are_a_line(alice: User, clock: Clock) -> None:
    charged(alice, 1)
    clock.advance(days=10)
    charged(alice, 1)
    kinds = [line.kind.value for line in statement.lines(alice)]
    assert kinds == ["settle", "expire", "free_month", "settle", "free_month"]
    assert statement.lines(alice)[0].balance_mc == 599_000


def test_older_lines_are_a_page_further(page: Client, alice: User) -> None:
    for number in range(55):
        ledger.grant(alice, 1_000, actor="admin", reason=f"gift {number:02}")
    first = html_of(page)
    assert "gift 54" in first
    assert "gift 04" not in first
    last = statement.lines(alice, 50)[-1]
    assert f"?before={last.id}#led-h" in first
    assert "gift 04" in html_of(page, f"/billing/?before={last.id}")
    for nonsense in ("x", "-1", "9" * 40, "²", ""):
        assert "gift 54" in html_of(page, f"/billing/?before={nonsense}")


def test_nobody_sees_anothers_statement(stranger: Client, alice: User) -> None:
    ledger.grant(alice, 1_000, actor="admin", reason="alice's secret")
    assert "secret" not in html_of(stranger)
    assert "grant" not in stranger.get("/billing/ledger.csv").content.decode()


def test_who_has_no_minutes_is_led_to_the_page(page: Client, alice: User, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    assert "No minutes left." in html_of(page)


def test_a_refusal_for_want_of_minutes_leads_there(rf: RequestFactory, alice: User) -> None:
    request = rf.get("/new/", headers={"Accept": "text/html"})
    request.user = alice
    for code, led in ((ErrorCode.INSUFFICIENT_CREDITS, True), (ErrorCode.CONFLICT, False)):
        html = refusal(request, ServiceError(code)).content.decode()
        assert ('href="/billing/">Add minutes<' in html) is led
