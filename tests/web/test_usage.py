"""The usage page, over charges that the ledger made and transcripts that rows.py left."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from accounts.services import ledger
from tests.conftest import Clock
from tests.web import rows
from tests.web.test_pages import INLINE
from transcripts.models import JobState, Transcript
from transcripts.services import transcripts
from transcripts.web import usage


def charged(owner: User, minutes: int, **fields: object) -> Transcript:
    made = rows.transcript(owner, **fields)  # type: ignore[arg-type]
    ledger.reserve(owner, f"job:{made.job_id}", minutes * 1000)
    ledger.settle(f"job:{made.job_id}", minutes * 1000)
    return made


def failed(owner: User) -> Transcript:
    made = rows.transcript(owner, title="Broken", state=JobState.FAILED, job={"error_code": "decode_failed"})
    ledger.reserve(owner, f"job:{made.job_id}", 5000)
    ledger.release(f"job:{made.job_id}")
    return made


def test_who_has_used_nothing_is_told_how_to_begin(page: Client) -> None:
    html = page.get("/usage/").content.decode()
    assert "No minute used yet" in html
    assert "/v1/transcribe" in html
    assert "<svg viewBox" not in html
    assert not INLINE.search(html)


def test_the_page_says_what_was_used_when_and_for_what(page: Client, alice: User, bob: User, clock: Clock) -> None:
    clock.now -= timedelta(days=2)
    charged(alice, 12, title="Monday <b>talk</b>")
    clock.advance(days=2)
    today = charged(alice, 3, title="Today's talk")
    charged(bob, 40, title="Bob's")
    failed(alice)
    html = page.get("/usage/").content.decode()
    assert '<progress value="15" max="600" aria-label="15 of 600 minutes">' in html
    assert "and 1 not charged" in html
    assert "15 min for 2 files in 30 days" in html
    assert "<title>21 Nov: 3 min, 1 file</title>" in html
    assert "<title>19 Nov: 12 min, 1 file</title>" in html
    assert html.count("<g><title>") == 30
    assert f'<a href="/transcripts/{today.slug}/"><bdi>Today&#x27;s talk</bdi></a>' in html
    assert "Monday &lt;b&gt;talk" in html
    assert "Broken" in html
    assert ">nothing<" in html
    assert "Bob" not in html
    assert "UTC" in html
    assert not INLINE.search(html)


def test_the_table_and_the_csv_have_the_numbers_of_the_chart(page: Client, alice: User, clock: Clock) -> None:
    charged(alice, 1200 // 4)
    html = page.get("/usage/").content.decode()
    assert '<tr><th scope="row">21 Nov</th><td class="end">1</td><td class="end">300</td></tr>' in html
    answer = page.get("/usage/days.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="usage-2026-10-23-2026-11-21.csv"'
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(table) == 30
    assert table[-1] == {"date": "2026-11-21", "requests": "1", "minutes": "300", "credits": "300"}
    assert {row["minutes"] for row in table[:-1]} == {"0"}


def test_a_charge_outlives_its_transcript(page: Client, alice: User) -> None:
    transcripts.delete(charged(alice, 7, title="Forget me"))
    html = page.get("/usage/").content.decode()
    assert "Forget me" not in html
    assert "A deleted transcript" in html
    assert "7 min for 1 file in 30 days" in html


def test_many_charges_cost_no_more_queries_than_few(
    page: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(55):
        charged(alice, 1)
    with django_assert_max_num_queries(20):
        html = page.get("/usage/").content.decode()
    assert html.count('class="charges__minutes') == usage.LATEST
    assert "The latest 50." in html


@pytest.mark.parametrize(
    ("most_mc", "top_minutes"),
    [(0, 4), (1, 4), (4_000, 4), (4_001, 8), (21_000, 40), (80_000, 80), (81_000, 120), (600_000, 800)],
)
def test_the_axis_ends_at_a_round_number_that_holds_the_highest_bar(most_mc: int, top_minutes: int) -> None:
    assert 4 * usage.quarter_of_axis(most_mc) == top_minutes * 1000
