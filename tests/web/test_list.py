import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.web import rows
from transcripts.models import Job, JobState


def test_the_list_costs_the_same_number_of_queries_for_one_row_and_for_fifty(page: Client, alice: User) -> None:
    rows.transcript(alice)
    page.get("/transcripts/")  # what is asked once a process
    with CaptureQueriesContext(connection) as few:
        page.get("/transcripts/")
    for _ in range(49):
        rows.transcript(alice)
    with CaptureQueriesContext(connection) as many:
        answer = page.get("/transcripts/")
    assert answer.content.decode().count('<tr role="row" id=') == 50
    assert len(many) == len(few)


def test_the_list_has_pages_of_fifty(page: Client, alice: User) -> None:
    for number in range(51):
        rows.transcript(alice, title=f"Talk {number:02}")
    first, second = (page.get(f"/transcripts/?page={number}").content.decode() for number in (1, 2))
    assert "Talk 50" in first
    assert "Talk 00" not in first
    assert "Talk 00" in second
    assert "1 to 50 of 51" in first


def test_a_search_looks_at_titles_and_text_and_marks_what_it_found(page: Client, alice: User) -> None:
    rows.transcript(alice, title="Budget")
    rows.transcript(alice, title="Something else", segments=[rows.spoken("We went to the sea.", 0)])
    text = page.get("/transcripts/?q=REMOTE").content.decode()
    assert "Budget" in text
    assert "Something else" not in text
    assert "<mark>remote</mark>" in text
    assert "Something else" in page.get("/transcripts/?q=something").content.decode()
    assert "No transcript says “<bdi>xyzzy</bdi>”" in page.get("/transcripts/?q=xyzzy").content.decode()


def test_what_is_found_cannot_write_html(page: Client, alice: User) -> None:
    rows.transcript(alice, title="<b>bold</b>", segments=[rows.spoken("say <script>alert(1)</script> now", 0)])
    text = page.get("/transcripts/?q=<script>").content.decode()
    assert "<mark>&lt;script&gt;</mark>" in text
    assert "<b>bold" not in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("status=working", {"Running"}),
        ("status=ready", {"Done", "Fertig"}),
        ("status=failed", {"Broken"}),
        ("language=de", {"Fertig"}),
        ("status=nonsense", {"Running", "Done", "Fertig", "Broken"}),
    ],
)
def test_filters(page: Client, alice: User, query: str, shown: set[str]) -> None:
    rows.transcript(alice, title="Running", state=JobState.RUNNING)
    rows.transcript(alice, title="Done")
    rows.transcript(alice, title="Fertig", language="de")
    rows.transcript(alice, title="Broken", state=JobState.FAILED)
    text = page.get(f"/transcripts/?{query}").content.decode()
    assert {title for title in ("Running", "Done", "Fertig", "Broken") if f"<bdi>{title}</bdi>" in text} == shown


def test_an_empty_list_shows_the_sample(page: Client) -> None:
    text = page.get("/transcripts/").content.decode()
    assert "Your first transcript starts with a recording" in text
    assert "You have reached the public library." in text


def test_activity_tells_of_the_rows_asked_for_and_of_nobody_elses(page: Client, alice: User, bob: User) -> None:
    mine, other = (rows.transcript(owner, state=JobState.RUNNING) for owner in (alice, bob))
    Job.objects.filter(pk=mine.job_id).update(phase="transcribing", done_ms=5_000, total_ms=10_000)
    answer = page.get(f"/activity/?slugs={mine.slug},{other.slug},nothing")
    assert list(answer.json()["rows"]) == [mine.slug]
    assert answer.json()["rows"][mine.slug]["state"] == "processing"
    assert "Transcribing 50 %" in answer.json()["rows"][mine.slug]["words"]
    etag = answer["ETag"]
    Job.objects.filter(pk=mine.job_id).update(state=JobState.SUCCEEDED)
    changed = page.get(f"/activity/?slugs={mine.slug}", headers={"if-none-match": etag})
    assert changed.json()["rows"][mine.slug]["state"] == "completed"
    same = page.get(f"/activity/?slugs={mine.slug}", headers={"if-none-match": changed["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
