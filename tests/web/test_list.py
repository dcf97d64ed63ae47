import io
import re
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.meanings import hashed
from tests.web import rows
from transcripts import engine_gateway
from transcripts.models import Job, JobState, Tag, Transcript, Upload
from transcripts.services import index, tags


def titles(answer: Any) -> list[str]:
    return re.findall(r'list__title"><a [^>]*><bdi>(.*?)</bdi>', answer.content.decode())


def slugs(answer: Any) -> list[str]:
    return re.findall(r'<tr role="row" id="row-([\w-]+)"', answer.content.decode())


def test_the_list_costs_the_same_number_of_queries_for_one_row_and_for_fifty(page: Client, alice: User) -> None:
    rows.transcript(alice)
    page.get("/transcripts/")  # what is asked once a process
    with CaptureQueriesContext(connection) as few:
        page.get("/transcripts/?q=brief")
    for _ in range(49):
        rows.transcript(alice)
    with CaptureQueriesContext(connection) as many:
        answer = page.get("/transcripts/?q=brief")
    assert len(slugs(answer)) == 50
    assert len(many) == len(few)


@pytest.mark.parametrize("order", ["", "title", "length"])
def test_its_pages_give_every_row_once_whatever_comes_meanwhile(page: Client, alice: User, order: str) -> None:
    for number in range(60):
        made = rows.transcript(alice, title=f"Talk {number % 30:02}")
        Transcript.objects.filter(pk=made.pk).update(duration_ms=None if number % 7 == 0 else number % 5 * 1000)
    there = set(Transcript.objects.values_list("slug", flat=True))
    seen: list[str] = []
    address = f"/transcripts/?sort={order}"
    while address:
        answer = page.get(address)
        seen += slugs(answer)
        link = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        address = f"/transcripts/{link[1].replace('&amp;', '&')}" if link else ""
        newest = rows.transcript(alice, title="AAA")  # before the place where the reader is
        Transcript.objects.filter(pk=newest.pk).update(duration_ms=10_000_000)
    assert len(seen) == len(set(seen))
    assert set(seen) >= there


@pytest.mark.parametrize(
    "odd", ["x", "WzEsMl0", "W251bGwsIDFd", "%00", "WyJhXHUwMDAwIiwgMV0", "W1siYSJdLCAxXQ", "9" * 500]
)
def test_a_place_that_nobody_named_is_the_first(page: Client, alice: User, odd: str) -> None:
    rows.transcript(alice)
    for order in ("", "title", "length"):
        assert page.get(f"/transcripts/?sort={order}&behind={odd}").status_code == 200
    assert len(slugs(page.get(f"/transcripts/?behind={odd}"))) == 1


def test_a_search_looks_at_titles_and_text_and_leads_to_the_place(page: Client, alice: User) -> None:
    made = rows.transcript(alice, title="Budget")
    rows.transcript(alice, title="Something else", segments=[rows.spoken("We went to the sea.", 0)])
    answer = page.get("/transcripts/?q=REMOTE")
    text = answer.content.decode()
    assert titles(answer) == ["Budget"]
    assert "is a <mark>remote</mark> that people" in text
    assert f'href="/transcripts/{made.slug}/#t=2.20">0:02</a>' in text
    assert titles(page.get("/transcripts/?q=something")) == ["<mark>Something</mark> else"]
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
        ("speaker=Priya", {"Done"}),
        ("speaker=Pri", set()),
        ("tag=board", {"Fertig"}),
        ("source=api", {"Broken"}),
        ("date=7", {"Running", "Done", "Broken"}),
        ("date=30&language=de", {"Fertig"}),
        ("status=nonsense&date=x&source=y", {"Running", "Done", "Fertig", "Broken"}),
    ],
)
def test_filters(page: Client, alice: User, query: str, shown: set[str]) -> None:
    rows.transcript(alice, title="Running", state=JobState.RUNNING)
    rows.transcript(alice, title="Done", segments=[rows.spoken("Hello.", 0, speaker="Priya")])
    german = rows.transcript(alice, title="Fertig", language="de")
    broken = rows.transcript(alice, title="Broken", state=JobState.FAILED)
    tags.add(german, ["board"])
    Transcript.objects.filter(pk=german.pk).update(created_at=timezone.now() - timedelta(days=20))
    Job.objects.filter(pk=broken.job_id).update(origin="api")
    assert set(titles(page.get(f"/transcripts/?{query}"))) == shown


def test_what_can_be_chosen_is_one_s_own(page: Client, alice: User, bob: User) -> None:
    for owner, name in ((alice, "Priya"), (alice, "Marcus"), (bob, "Zoe")):
        made = rows.transcript(owner, segments=[rows.spoken("Hello.", 0, speaker=name)])
        tags.add(made, [f"{name}'s tag"])
    text = page.get("/transcripts/").content.decode()
    assert '<option value="Priya">Priya</option>' in text
    assert "Zoe" not in text
    assert text.count("tag</bdi></a>") == 2


def test_an_empty_list_shows_the_sample(page: Client) -> None:
    text = page.get("/transcripts/").content.decode()
    assert "Your first transcript starts with a recording" in text
    assert "You have reached the public library." in text


def test_activity_tells_of_the_rows_asked_for_and_of_nobody_elses(page: Client, alice: User, bob: User) -> None:
    mine, other = (rows.transcript(owner, state=JobState.RUNNING) for owner in (alice, bob))
    Job.objects.filter(pk=mine.job_id).update(phase="transcribing", done_ms=5_000, total_ms=10_000)
    answer = page.get(f"/activity/?ids={mine.slug},{other.slug},nothing")
    (row,) = answer.json()["rows"].values()
    assert row["state"] == "processing"
    assert "Transcribing 50 %" in row["words"]
    assert row["html"].startswith(f'<tr role="row" id="row-{mine.slug}"')
    etag = answer["ETag"]
    Job.objects.filter(pk=mine.job_id).update(state=JobState.SUCCEEDED)
    changed = page.get(f"/activity/?ids={mine.slug}", headers={"if-none-match": etag})
    assert changed.json()["rows"][mine.slug]["state"] == "completed"
    same = page.get(f"/activity/?ids={mine.slug}", headers={"if-none-match": changed["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_a_search_by_meaning_gives_each_transcript_once_the_closest_first(
    page: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_gateway, "embed", hashed)
    for title, said in (("Sea", "Sail to the sea."), ("Budget", "The remote costs twelve fifty, a remote for you.")):
        index.make(rows.transcript(alice, title=title, segments=[rows.spoken(said, 4.25)]).pk)
    answer = page.get("/transcripts/?q=the+remote+for+you&by=meaning")
    assert titles(answer)[0] == "Budget"
    assert '#t=4.25">0:04</a>' in answer.content.decode()
    assert "Closest first" in answer.content.decode()
    assert titles(page.get("/transcripts/?q=the+remote+for+you&by=meaning&status=failed")) == []


def test_where_meanings_cannot_be_compared_the_search_says_so_and_goes_by_words(
    page: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(texts: object, **_: object) -> None:
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, "No model compares meanings here.")

    rows.transcript(alice, title="Budget")
    monkeypatch.setattr(engine_gateway, "embed", nobody)
    answer = page.get("/transcripts/?q=remote&by=meaning")
    assert titles(answer) == ["Budget"]
    assert "No model compares meanings here. These were found by their words." in answer.content.decode()
    assert "Search by meaning" in page.get("/transcripts/?q=xyzzy").content.decode()


def test_who_waits_is_told_its_place_among_all(page: Client, alice: User, bob: User) -> None:
    rows.transcript(bob, state=JobState.QUEUED)
    mine = rows.transcript(alice, state=JobState.QUEUED)
    assert "Waiting (2nd)" in page.get("/transcripts/").content.decode()
    assert page.get(f"/activity/?ids={mine.slug}").json()["rows"][mine.slug]["words"] == "Waiting (2nd)"
    assert "Waiting (2nd)" in page.get(f"/transcripts/{mine.slug}/").content.decode()


def test_files_that_are_not_all_here_are_rows_of_their_owner_s_list(page: Client, alice: User, bob: User) -> None:
    now, fields = timezone.now(), {"size": 1000, "offset": 625, "expires_at": timezone.now() + timedelta(hours=1)}
    going = Upload.objects.create(key="a" * 22, owner=alice, filename="Going.wav", **fields)
    Upload.objects.filter(pk=going.pk).update(locked_until=now + timedelta(minutes=1))
    Upload.objects.create(key="b" * 22, owner=alice, filename="Stopped.wav", **fields)
    Upload.objects.create(key="c" * 22, owner=bob, filename="Bobs.wav", **fields)
    shown = page.get("/transcripts/").content.decode()
    assert "Uploading 62 %" in shown
    assert "62 % uploaded" in shown
    assert "Bobs.wav" not in shown
    assert "Going.wav" not in page.get("/transcripts/?q=going").content.decode()
    asked = page.get(f"/activity/?ids=upload:{'a' * 22},upload:{'c' * 22}").json()["rows"]
    assert {name: (row["words"], row["open"]) for name, row in asked.items()} == {
        f"upload:{going.key}": ("Uploading 62 %", True)
    }


def test_several_are_tagged_and_the_filters_stay(page: Client, alice: User, bob: User) -> None:
    mine = [rows.transcript(alice) for _ in range(3)]
    other = rows.transcript(bob)
    chosen = {"slug": [mine[0].slug, mine[1].slug, other.slug], "next": "/transcripts/?sort=title"}
    answer = page.post("/bulk/", {**chosen, "action": "tag", "tag": " board  meeting "}, follow=True)
    assert answer.redirect_chain == [("/transcripts/?sort=title", 302)]
    assert "“board meeting” is on 2 transcripts." in answer.content.decode()
    assert set(Tag.objects.values_list("transcript", "name")) == {(each.pk, "board meeting") for each in mine[:2]}
    page.post("/bulk/", {**chosen, "action": "untag", "tag": "board meeting"})
    assert not Tag.objects.exists()
    refused = page.post("/bulk/", {**chosen, "action": "tag", "tag": " "}, follow=True)
    assert "A tag has 1 to 50 characters" in refused.content.decode()
    nothing = page.post("/bulk/", {"action": "tag", "next": "https://elsewhere.example/"}, follow=True)
    assert nothing.redirect_chain == [("/transcripts/", 302)]
    assert "Nothing was selected." in nothing.content.decode()


def test_several_are_taken_away_as_one_zip(page: Client, alice: User, bob: User) -> None:
    mine = [rows.transcript(alice), rows.transcript(alice), rows.transcript(alice, state=JobState.RUNNING)]
    other = rows.transcript(bob)
    chosen = [each.slug for each in (*mine, other)]
    answer = page.post("/bulk/", {"slug": chosen, "action": "export", "format": "srt"})
    assert answer["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.getvalue())) as file:
        assert sorted(file.namelist()) == sorted(["LEFT OUT.txt", *(f"{each.slug}.srt" for each in mine[:2])])
        assert b"Good morning all." in file.read(f"{mine[0].slug}.srt")
        assert f"{other.slug}: it is not there." in file.read("LEFT OUT.txt").decode()
    odd = page.post("/bulk/", {"slug": chosen, "action": "export", "format": "exe"}, follow=True)
    assert "There is no format" in odd.content.decode()


def test_what_is_thrown_away_can_be_taken_back(page: Client, alice: User, bob: User) -> None:
    mine = [rows.transcript(alice, title=f"Talk {number}") for number in range(3)]
    other = rows.transcript(bob)
    thrown = page.post("/bulk/", {"slug": [mine[0].slug, mine[1].slug, other.slug], "action": "trash"}, follow=True)
    assert titles(thrown) == ["Talk 2"]
    assert "2 transcripts are in the trash for 7 days." in thrown.content.decode()
    assert "in the trash for 7 days" not in page.get("/transcripts/").content.decode()
    assert page.get(f"/transcripts/{mine[0].slug}/").status_code == 404
    undo = re.findall(r'type="hidden" name="slug" value="([^"]+)"', thrown.content.decode())
    assert set(undo) == {mine[0].slug, mine[1].slug}
    back = page.post("/trash/restore/", {"slug": undo}, follow=True)
    assert set(titles(back)) == {"Talk 0", "Talk 1", "Talk 2"}
    one = page.post("/bulk/", {"one": mine[2].slug, "slug": mine[0].slug, "action": "export"}, follow=True)
    assert "“<bdi>Talk 2</bdi>” is in the trash" in one.content.decode()
    other.refresh_from_db()
    assert other.trashed_at is None


def test_the_trash_is_emptied_by_hand_one_by_one(page: Client, stranger: Client, alice: User) -> None:
    made = rows.transcript(alice, title="Old news")
    assert "The trash is empty." in page.get("/trash/").content.decode()
    page.post("/bulk/", {"one": made.slug})
    assert "Old news" in page.get("/trash/").content.decode()
    assert "Old news" not in stranger.get("/trash/").content.decode()
    assert stranger.post(f"/trash/{made.slug}/delete/").status_code == 404
    assert stranger.post("/trash/restore/", {"slug": made.slug}).status_code == 302
    asked = page.get(f"/trash/{made.slug}/delete/").content.decode()
    assert "the text with its history, the recording go for good" in asked
    assert Transcript.objects.get(pk=made.pk).trashed_at is not None
    page.post(f"/trash/{made.slug}/delete/")
    assert not Transcript.objects.filter(pk=made.pk).exists()


def test_one_that_is_not_in_the_trash_is_not_deleted_there(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    assert page.post(f"/trash/{made.slug}/delete/").status_code == 404
