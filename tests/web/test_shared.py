"""Results without an account: whoever has the token may read, take two formats, and keep it by signing up."""

import pytest
from django.test import Client

from accounts.models import User
from tests.web import rows
from transcripts.models import JobState, Transcript


@pytest.fixture
def made(db: None) -> Transcript:
    return rows.with_playback(rows.transcript(None, title="Interview"), b"sound")


def test_the_token_opens_it_and_tells_nobody(client: Client, made: Transcript) -> None:
    answer = client.get(f"/t/{made.view_token}/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Good morning all." in text
    assert '<meta name="robots" content="noindex, nofollow">' in text
    assert (answer["X-Robots-Tag"], answer["Referrer-Policy"]) == ("noindex, nofollow", "same-origin")
    for part in ("words/", "peaks/", "audio/", "progress/", "export/txt/", "export/srt/"):
        assert client.get(f"/t/{made.view_token}/{part}").status_code == 200


@pytest.mark.parametrize("part", ["export/pdf/", "export/json/", "rename/", "delete/", "export/"])
def test_it_offers_no_more_than_that(client: Client, made: Transcript, part: str) -> None:
    assert client.get(f"/t/{made.view_token}/{part}").status_code == 404


def test_another_token_opens_nothing(client: Client, made: Transcript) -> None:
    assert client.get(f"/t/{made.view_token[:-1]}X/").status_code == 404
    assert client.get(f"/transcripts/{made.slug}/").status_code == 302


def test_a_transcript_of_an_account_has_no_open_page(client: Client, alice: User) -> None:
    rows.transcript(alice)
    assert client.get("/t/x/").status_code == 404


def test_signing_up_keeps_it(client: Client, made: Transcript) -> None:
    asked = client.post(f"/t/{made.view_token}/keep/")
    assert asked["Location"] == "/accounts/signup/?next=/keep/"
    signed_up = client.post(
        asked["Location"], {"email": "dora@example.org", "password1": "a long enough pass phrase", "next": "/keep/"}
    )
    assert signed_up["Location"] == "/keep/"
    kept = client.get("/keep/")
    assert kept["Location"] == f"/transcripts/{made.slug}/"
    assert client.get(kept["Location"]).status_code == 200
    made.refresh_from_db()
    assert made.owner is not None
    assert (made.owner.email, made.view_token, made.expires_at) == ("dora@example.org", "", None)
    assert made.owner.transcripts.count() == made.owner.media.count() == made.owner.jobs.count() == 1
    assert client.get("/keep/")["Location"] == "/transcripts/", "the cookie is spent"


def test_somebody_signed_in_keeps_it_at_once(page: Client, made: Transcript) -> None:
    assert page.post(f"/t/{made.view_token}/keep/")["Location"] == f"/transcripts/{made.slug}/"
    assert Client().get(f"/t/{made.view_token}/").status_code == 404


def test_only_one_of_two_keeps_it(page: Client, stranger: Client, made: Transcript) -> None:
    assert page.post(f"/t/{made.view_token}/keep/").status_code == 302
    assert stranger.post(f"/t/{made.view_token}/keep/").status_code == 404


def test_a_forged_cookie_keeps_nothing(stranger: Client, made: Transcript) -> None:
    stranger.cookies["keep"] = f"{made.view_token}:forged:signature"
    assert stranger.get("/keep/")["Location"] == "/transcripts/"
    made.refresh_from_db()
    assert made.owner is None


def test_it_can_be_stopped_by_whoever_sent_it(client: Client, db: None) -> None:
    made = rows.transcript(None, state=JobState.QUEUED)
    assert client.post(f"/t/{made.view_token}/cancel/").status_code == 302
    made.job.refresh_from_db()
    assert made.job.state == "cancelled"
