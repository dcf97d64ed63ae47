"""The usage page, over charges that the ledger made and transcripts that rows.py left."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import ApiKey, RequestLog, User
from accounts.services import api_keys, ledger
from accounts.services.ledger import Work
from tests.conftest import Clock
from tests.web import rows
from tests.web.test_pages import INLINE
from transcripts.models import Job, JobState, Transcript
from transcripts.services import transcripts
from transcripts.web import chart, usage


def charged(owner: User, minutes: int, source: str = "web", key: ApiKey | None = None, **fields: object) -> Transcript:
    made = rows.transcript(owner, **fields)  # type: ignore[arg-type]
    work = Work(source, key.pk if key else None, made.public_id)
    ledger.reserve(owner, f"job:{made.job_id}", minutes * 1000, work)
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
    charged(alice, 12, source="api", title="Monday <b>talk</b>")
    clock.advance(days=2)
    today = charged(alice, 3, title="Today's talk")
    charged(bob, 40, title="Bob's")
    failed(alice)
    html = page.get("/usage/").content.decode()
    assert '<progress value="15" max="600" aria-label="15 of 600 minutes">' in html
    assert "and 1 not charged" in html
    assert "15 min for 2 files in 30 days" in html
    assert "<title>21 Nov: 3 min, 1 file (web 3, API 0, live 0)</title>" in html
    assert "<title>19 Nov: 12 min, 1 file (web 0, API 12, live 0)</title>" in html
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
    cells = "".join(f'<td class="end">{cell}</td>' for cell in (1, 300, 0, 0, 300))
    assert f'<tr><th scope="row">21 Nov</th>{cells}</tr>' in html
    answer = page.get("/usage/days.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="usage-2026-10-23-2026-11-21.csv"'
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(table) == 30
    minutes = {"minutes": "300", "credits": "300", "web": "300", "api": "0", "live": "0"}
    assert table[-1] == {"date": "2026-11-21", "requests": "1", **minutes}
    assert {row["minutes"] for row in table[:-1]} == {"0"}


def test_a_charge_outlives_its_transcript(page: Client, alice: User) -> None:
    made = charged(alice, 7, title="Forget me")
    transcripts.delete(made)
    html = page.get("/usage/").content.decode()
    assert f"<code>{made.public_id}</code>" in html
    assert "Forget me" not in html
    assert "A deleted transcript" in html
    assert "7 min for 1 file in 30 days" in html


def test_many_charges_cost_no_more_queries_than_few(
    page: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(25):
        charged(alice, 1)
    with django_assert_max_num_queries(20):
        html = page.get("/usage/").content.decode()
    assert html.count('class="charges__minutes') == usage.LATEST
    assert "The latest 20." in html


@pytest.mark.parametrize(
    ("most_mc", "top_minutes"),
    [(0, 4), (1, 4), (4_000, 4), (4_001, 8), (21_000, 40), (80_000, 80), (81_000, 120), (600_000, 800)],
)
def test_the_axis_ends_at_a_round_number_that_holds_the_highest_bar(most_mc: int, top_minutes: int) -> None:
    assert 4 * chart.quarter_of_axis(most_mc) == top_minutes * 1000


def test_the_page_and_its_csv_show_one_key_or_the_pages_alone(page: Client, alice: User, bob: User) -> None:
    key, others = api_keys.create_key(alice, "Podcast <i>")[0], api_keys.create_key(bob, "Bob's")[0]
    charged(alice, 2, title="By the page")
    charged(alice, 5, "api", key, title="By the key")
    html = page.get("/usage/").content.decode()
    assert "Podcast &lt;i&gt;" in html
    assert "7 min for 2 files in 30 days" in html
    html = page.get(f"/usage/?key={key.pk}&days=7").content.decode()
    assert "5 min for 1 file in 7 days" in html
    assert "By the key" in html
    assert "By the page" not in html
    assert html.count("<g><title>") == 7
    assert f'href="/usage/days.csv?key={key.pk}&amp;days=7"' in html
    html = page.get("/usage/?key=web&days=90").content.decode()
    assert "2 min for 1 file in 90 days" in html
    table = list(csv.DictReader(io.StringIO(page.get("/usage/days.csv?key=web&days=90").content.decode())))
    assert (len(table), table[-1]["minutes"], table[-1]["api"]) == (90, "2", "0")
    for nonsense in (f"key={others.pk}", "key=x", "days=31", "days=999999", "before=x"):
        assert "7 min for 2 files in 30 days" in page.get(f"/usage/?{nonsense}").content.decode()


def test_requests_are_listed_with_what_they_came_to(page: Client, alice: User, bob: User) -> None:
    key, _ = api_keys.create_key(alice, "Podcast")
    for number, owner in enumerate([alice] * 21 + [bob]):
        RequestLog.objects.create(
            user=owner,
            api_key=key if owner == alice else None,
            at=timezone.now(),
            method="POST",
            endpoint="/v1/transcribe",
            status=400 if number == 20 else 200,
            request_id=f"rq{number:03}",
            duration_ms=5,
            charged_mc=None if number == 20 else 1500,
        )
    charged(alice, 1)
    html = page.get("/usage/").content.decode()
    assert "rq020" in html
    assert "rq001" in html
    assert "rq000" not in html
    assert "rq021" not in html
    assert '<span class="status is-bad">400</span>' in html
    assert "1.5" in html
    older = re.search(r'href="(\?before=\d+)#log-h"', html)
    assert older
    assert "rq000" in page.get(f"/usage/{older[1]}").content.decode()
    assert "rq020" not in page.get("/usage/?key=web").content.decode()


def test_speed_is_told_once_there_is_enough_work(page: Client, alice: User, clock: Clock) -> None:
    made = charged(alice, 1)
    assert "Average speed" not in page.get("/usage/").content.decode()
    Job.objects.filter(pk=made.job_id).update(
        done_ms=60_000, started_at=clock.now - timedelta(seconds=4), finished_at=clock.now
    )
    html = page.get("/usage/").content.decode()
    assert "15×" in html
    assert "An hour in about 4 min" in html
