"""Every page opens for whom it should, for nobody else, and allows nothing foreign or inline."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as settings_module
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.web import rows
from transcripts import selectors
from transcripts.models import JobState
from transcripts.web.tags import icon

PUBLIC = (
    "/",
    "/docs/",
    "/docs/transcripts/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
)
PRIVATE = (
    "/transcripts/",
    "/new/",
    "/account/",
    "/accounts/password/change/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/sessions/",
    "/account/export/",
    "/account/export/file/",
    "/account/delete/",
    "/activity/",
    "/keep/",
    "/keys/",
    "/keys/new/",
    "/keys/1/revoke/",
    "/webhooks/",
    "/webhooks/ep_nothing0000/",
    "/usage/",
    "/billing/",
    "/billing/ledger.csv",
    "/billing/orders/0000000000000000000000/",
    "/usage/days.csv",
)
OF_ONE = ("", "export/", "export/txt/", "rename/", "delete/", "progress/", "words/", "peaks/", "audio/")
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://(?!localhost|www\.w3\.org)", re.IGNORECASE
)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_opens_and_is_clean(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data:")
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not INLINE.search(answer.content.decode())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/transcripts/", "Transcripts"),
        ("/new/", "New"),
        ("/keys/new/", "API keys"),
        ("/usage/", "Usage"),
        ("/billing/", "Billing"),
    ],
)
def test_the_sidebar_marks_one_place(client: Client, alice: User, path: str, place: str) -> None:
    client.force_login(alice)
    sidebar = client.get(path).content.decode().partition("</nav>")[0]
    assert re.findall(r'aria-current="page">.*?</svg>([^<]+)</a>', sidebar) == [place]


@pytest.mark.parametrize("path", PRIVATE)
def test_a_private_page_asks_to_sign_in(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/")


@pytest.mark.parametrize(
    "path",
    [
        "/transcripts/",
        "/new/",
        "/account/",
        "/keys/",
        "/keys/new/",
        "/webhooks/",
        "/usage/",
        "/accounts/password/change/",
        "/accounts/email/",
        "/accounts/2fa/",
        "/accounts/sessions/",
        "/account/delete/",
    ],
)
def test_a_private_page_opens_and_is_clean(page: Client, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"].startswith("default-src 'self'")
    assert not INLINE.search(answer.content.decode())


@pytest.mark.parametrize("part", OF_ONE)
def test_nobody_sees_the_transcript_of_another(page: Client, stranger: Client, alice: User, part: str) -> None:
    made = rows.with_playback(rows.transcript(alice), b"sound")
    assert page.get(f"/transcripts/{made.slug}/{part}").status_code == 200
    assert stranger.get(f"/transcripts/{made.slug}/{part}").status_code == 404
    assert Client().get(f"/transcripts/{made.slug}/{part}").status_code == 302


@pytest.mark.parametrize("action", ["cancel", "delete", "rename"])
def test_nobody_touches_the_transcript_of_another(stranger: Client, alice: User, action: str) -> None:
    made = rows.transcript(alice, state=JobState.QUEUED)
    assert stranger.post(f"/transcripts/{made.slug}/{action}/", {"title": "Mine now"}).status_code == 404
    made.refresh_from_db()
    made.job.refresh_from_db()
    assert (made.title, made.job.state) == ("Weekly planning", "queued")


@pytest.mark.parametrize("state", list(JobState))
def test_a_transcript_has_a_page_in_every_state(page: Client, alice: User, state: JobState) -> None:
    made = rows.transcript(
        alice, state=state, job={"error_code": "no_audio_stream", "error_message": "No sound in it."}
    )
    answer = page.get(f"/transcripts/{made.slug}/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert not INLINE.search(text)
    assert ("Good morning all." in text) == (state == JobState.SUCCEEDED)
    assert ("No sound in it." in text) == (state == JobState.FAILED)
    assert ('action="cancel/"' in text) == (state in (JobState.QUEUED, JobState.RUNNING))


def test_an_unknown_address_is_404_for_everybody(page: Client) -> None:
    for browser in (page, Client()):
        answer = browser.get("/nothing/here/")
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.content.decode()
        assert "Content-Security-Policy" in answer


@pytest.mark.parametrize(
    ("code", "status"),
    [(ErrorCode.FILE_TOO_LARGE, 413), (ErrorCode.DAILY_LIMIT, 429), (ErrorCode.ENGINE_UNAVAILABLE, 503)],
)
def test_a_refusal_is_a_page_with_its_sentence(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, code: ErrorCode, status: int
) -> None:
    def refuse() -> None:
        raise ServiceError(code, "What happened & what to do.", retry_after=7200)

    monkeypatch.setattr(selectors, "engine_status", refuse)
    answer = client.get("/docs/")
    assert answer.status_code == status
    assert answer["Retry-After"] == "7200"
    assert "What happened &amp; what to do." in answer.content.decode()
    assert "Free again in 2 h" in answer.content.decode()
    said = client.get("/docs/", headers={"accept": "application/json"})
    assert said.json() == {"error": "What happened & what to do.", "code": code.value}


def test_the_page_for_a_crash_stands_on_its_own_and_may_use_its_style(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(selectors, "engine_status", crash)
    client.raise_request_exception = False
    answer = client.get("/docs/")
    text = answer.content.decode()
    assert answer.status_code == 500
    assert "/static/" not in text
    assert "boom" not in text
    assert re.search(r"style-src 'self' 'sha256-[\w+/=]+'", answer["Content-Security-Policy"])


def test_the_theme_is_a_cookie_that_the_first_byte_of_the_page_knows(client: Client, db: None) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": "/docs/"})
    assert answer["Location"] == "/docs/"
    assert '<html lang="en" data-theme="dark">' in client.get("/").content.decode()
    client.post("/theme/", {"theme": "", "next": "/"})
    assert '<html lang="en">' in client.get("/").content.decode()


def test_the_theme_form_leads_to_no_other_site(client: Client, db: None) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})["Location"] == "/"


def test_a_name_can_be_changed(page: Client, alice: User) -> None:
    assert page.post("/account/", {"section": "name", "name": "  Alice B.  "}).status_code == 302
    alice.refresh_from_db()
    assert alice.name == "Alice B."


def test_the_trap_for_robots_has_no_label_and_is_hidden(client: Client, db: None) -> None:
    text = client.get("/accounts/signup/").content.decode()
    assert re.search(r'<input[^>]*name="website"[^>]*\shidden', text)
    assert 'for="id_website"' not in text


def test_an_address_that_is_not_confirmed_is_asked_for_where_mail_works(
    page: Client, alice: User, settings: Settings
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=False)
    assert "is not confirmed yet" not in page.get("/transcripts/").content.decode()
    settings.EMAIL_HOST = "mail.example.org"
    assert "is not confirmed yet" in page.get("/transcripts/").content.decode()
    EmailAddress.objects.update(verified=True)
    assert "is not confirmed yet" not in page.get("/transcripts/").content.decode()


def test_every_icon_that_a_template_names_is_drawn() -> None:
    sources = [path.read_text() for path in (settings_module.BASE_DIR / "templates").rglob("*.html")]
    named = {name for source in sources for name in re.findall(r'{% icon "([a-z]+)"', source)}
    assert named
    for name in named:
        assert "<svg" in icon(name)
