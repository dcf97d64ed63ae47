"""Links: what they show, what they keep to themselves, and that one which is over is nothing at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import erasure
from tests.conftest import Clock
from tests.web import rows
from transcripts.models import Share, Transcript
from transcripts.services import shares
from transcripts.services.shares import Terms

PARTS = ("", "words/", "audio/", "peaks/", "export/txt/", "export/exe/", "?q=brief")


@pytest.fixture
def made(alice: User) -> Transcript:
    return rows.with_playback(rows.transcript(alice, title="Kick-off"), b"0123456789")


@pytest.fixture
def guest(db: None) -> Client:
    return Client()


def link(made: Transcript, **terms: Any) -> str:
    return f"/s/{shares.token_of(shares.create(made, Terms(**terms)))}/"


def test_whoever_has_the_link_reads_and_hears_and_nobody_else_learns_of_it(guest: Client, made: Transcript) -> None:
    address = link(made)
    answer = guest.get(address)
    text = answer.content.decode()
    assert "Good morning all." in text
    assert 'id="t=2.20"' in text
    assert '<meta name="robots" content="noindex, nofollow">' in text
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert '<form method="post"' not in text
    ranged = guest.get(f"{address}audio/", headers={"range": "bytes=2-4"})
    assert (ranged.status_code, ranged.getvalue()) == (206, b"234")
    assert ranged["Cache-Control"] == "private, no-cache"
    assert guest.get(f"{address}words/").json()["segments"]
    assert guest.get(f"{address}peaks/").status_code == 200


@pytest.mark.parametrize(
    ("terms", "closed"),
    [
        ({"downloads": False}, {"export/txt/", "export/exe/"}),
        ({"downloads": True}, {"export/exe/"}),
        ({"audio": False}, {"audio/", "peaks/", "words/", "export/txt/", "export/exe/"}),
        ({"text": False, "downloads": True}, {"words/", "export/txt/", "export/exe/"}),
    ],
)
def test_a_link_shows_what_was_chosen(guest: Client, made: Transcript, terms: dict[str, Any], closed: set[str]) -> None:
    address = link(made, **terms)
    assert {part for part in PARTS if guest.get(address + part).status_code == 404} == closed
    assert ("Good morning all." in guest.get(address).content.decode()) == terms.get("text", True)
    assert ("Good morning all." in guest.get(f"{address}?q=morning").content.decode()) is False
    for name in ("md", "srt", "vtt", "json", "csv", "docx", "pdf"):
        shown = guest.get(f"{address}export/{name}/").status_code
        assert shown == (404 if "export/txt/" in closed else 200)


def over(made: Transcript) -> dict[str, str]:
    """Addresses that open nothing, by what happened to them."""
    expired, revoked = shares.create(made, Terms()), shares.create(made, Terms())
    Share.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    shares.revoke(made, revoked.key)
    good = shares.token_of(shares.create(made, Terms()))
    tokens = {
        "expired": shares.token_of(expired),
        "revoked": shares.token_of(revoked),
        "mistyped": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "unsigned": good.partition(".")[0],
        "guessed": "x" * len(good),
        "the slug": made.slug,
        "the public id": made.public_id,
    }
    return {name: f"/s/{token}/" for name, token in tokens.items()}


def test_what_does_not_open_is_one_same_404_at_every_address(guest: Client, stranger: Client, made: Transcript) -> None:
    nothing = guest.get("/s/nothing/")
    assert nothing.status_code == 404
    for why, address in over(made).items():
        for client in (guest, stranger):
            for part in PARTS:
                answer = client.get(address + part, headers={"range": "bytes=0-3", "accept": "application/json"})
                assert (answer.status_code, answer.content) == (404, nothing.content), (why, part)
            assert client.post(address, {"password": "x"}).content == nothing.content
            assert client.head(f"{address}audio/").status_code == 404


def test_a_link_ends_at_its_hour(guest: Client, made: Transcript, clock: Clock) -> None:
    week, ever = link(made, days=7), link(made, days=None)
    clock.advance(days=6, hours=23)
    assert guest.get(week).status_code == 200
    clock.advance(hours=1)
    assert guest.get(week).status_code == guest.get(f"{week}audio/").status_code == 404
    clock.advance(days=3650)
    assert guest.get(ever).status_code == 200


def test_closing_the_account_ends_its_links_at_once(guest: Client, made: Transcript, alice: User) -> None:
    address = link(made, days=None)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert guest.get(address).status_code == guest.get(f"{address}audio/").status_code == 404
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert guest.get(address).status_code == 200
    erasure.close(alice)
    assert guest.get(address).status_code == 404


def test_a_password_is_asked_for_and_opens_everything(guest: Client, made: Transcript) -> None:
    address = link(made, password="open sesame", downloads=True)
    asked = guest.get(address)
    assert "This link asks for a password" in asked.content.decode()
    assert "Kick-off" not in asked.content.decode()
    assert {part for part in PARTS[1:] if guest.get(address + part).status_code == 200} == {"?q=brief"}
    assert guest.post(address, {"password": "open barley"}).status_code == 403
    opened = guest.post(address, {"password": "open sesame"})
    assert opened["Location"] == address
    cookie = guest.cookies["share"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (address, True, "Lax")
    assert "Good morning all." in guest.get(address).content.decode()
    assert guest.get(f"{address}export/txt/").status_code == 200
    other = link(made, password="open sesame")
    assert "asks for a password" in guest.get(other).content.decode(), "a cookie opens one link"
    share = Share.objects.get(key=shares.key_of(address.split("/")[2]))
    assert "open sesame" not in share.password
    shares.revoke(made, share.key)
    assert guest.get(address).status_code == 404


def test_passwords_cannot_be_tried_for_ever(guest: Client, made: Transcript) -> None:
    address = link(made, password="open sesame")
    tried = [guest.post(address, {"password": f"guess {number}"}) for number in range(11)]
    assert {answer.status_code for answer in tried[:10]} == {403}
    assert (tried[10].status_code, tried[10]["Retry-After"]) == (429, "60")
    assert guest.post(address, {"password": "open sesame"}).status_code == 429


def test_views_are_counted_without_the_owners(guest: Client, page: Client, made: Transcript) -> None:
    address = link(made)
    for _ in range(3):
        guest.get(address)
    guest.head(address)
    guest.get(f"{address}?q=brief")
    page.get(address)
    assert Share.objects.get().views == 3


def test_finding_needs_no_script(guest: Client, made: Transcript) -> None:
    text = guest.get(f"{link(made)}?q=THE+brief").content.decode()
    assert "1 place with" in text
    assert "<mark>The brief</mark> is a remote" in text
    assert '<li><a class="stamp" href="#t=2.20">' in text
    assert "is not in this transcript" in guest.get(f"{link(made)}?q=xyzzy").content.decode()


def test_what_is_found_cannot_write_html(guest: Client, alice: User) -> None:
    made = rows.transcript(alice, segments=[rows.spoken("say <script>alert(1)</script> now", 0)])
    text = guest.get(f"{link(made)}?q=<script>").content.decode()
    assert "<mark>&lt;script&gt;</mark>" in text
    assert "<script>alert" not in text


def test_the_owner_makes_looks_copies_and_revokes(page: Client, guest: Client, made: Transcript) -> None:
    base = f"/transcripts/{made.slug}/share/"
    assert "New link" in page.get(base).content.decode()
    preview = page.get(f"{base}preview/?text=on&downloads=on&days=30").content.decode()
    assert "Preview: this is what others will see" in preview
    assert "Good morning all." in preview
    assert "Only the recording is shared here" in page.get(f"{base}preview/?audio=on").content.decode()
    made_it = page.post(base, {"text": "on", "days": "90", "password": "open sesame"})
    share = Share.objects.get()
    assert made_it["Location"] == f"{base}?made={share.key}"
    assert (share.text, share.audio, share.downloads) == (True, False, False)
    assert share.expires_at is not None
    assert abs(share.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    listed = page.get(f"{base}?t=12.5").content.decode()
    assert f"http://testserver/s/{shares.token_of(share)}/#t=12.5" in listed
    assert "0 views" in listed
    page.post(f"{base}{share.key}/revoke/")
    assert not Share.objects.exists()
    assert guest.get(f"/s/{shares.token_of(share)}/").status_code == 404


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"days": "30"}, "A link shows the text, the recording, or both."),
        ({"text": "on", "days": "3"}, "Choose how long the link lasts."),
        ({"text": "on", "days": "30", "password": "x"}, "password has 6 to 128 characters"),
    ],
)
def test_terms_that_make_no_sense(page: Client, made: Transcript, terms: dict[str, str], sentence: str) -> None:
    refused = page.post(f"/transcripts/{made.slug}/share/", terms)
    assert refused.status_code == 400
    assert sentence in refused.content.decode()
    assert not Share.objects.exists()


def test_the_same_by_the_api(keyed: Client, guest: Client, made: Transcript) -> None:
    base = f"/api/v1/transcripts/{made.public_id}/shares/"
    asked = {"downloads": True, "expires_in_days": None, "password": "open sesame"}
    answer = keyed.post(base, asked, "application/json")
    assert answer.status_code == 201
    one = answer.json()
    assert (one["text"], one["downloads"], one["has_password"], one["expires_at"]) == (True, True, True, None)
    assert guest.get(one["url"].removeprefix("http://testserver")).status_code == 200
    assert keyed.get(base).json()["results"] == [one | {"views": 0}]
    assert keyed.delete(f"{base}{one['id']}/").status_code == 204
    assert keyed.delete(f"{base}{one['id']}/").status_code == 404
    assert guest.get(one["url"].removeprefix("http://testserver")).status_code == 404
    for wrong in ({"expires_in_days": 3}, {"text": False, "audio": False}, {"password": "x"}):
        assert keyed.post(base, wrong, "application/json").status_code == 400
    running = rows.transcript(made.owner, state="running")  # type: ignore[arg-type]
    assert keyed.post(f"/api/v1/transcripts/{running.pk}/shares/", {}, "application/json").status_code == 409


@pytest.fixture
def keyed(alice_key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {alice_key}"})


def test_a_transcript_in_the_trash_shows_nothing_at_its_links(guest: Client, made: Transcript) -> None:
    address = link(made)
    Transcript.objects.filter(pk=made.pk).update(trashed_at=timezone.now())
    assert guest.get(address).status_code == guest.get(f"{address}audio/").status_code == 404
    Transcript.objects.filter(pk=made.pk).update(trashed_at=None)
    assert guest.get(address).status_code == 200
