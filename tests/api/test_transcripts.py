"""/api/v1/transcripts/."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import api_keys
from accounts.services.access import Caller
from accounts.services.plans import plan_of
from engine.errors import EngineGone, MediaError
from tests.transcripts.conftest import Commits
from tests.transcripts.stand_ins import StandInEngine
from tests.web import rows
from transcripts import incoming, storage
from transcripts.exports.registry import FORMATS
from transcripts.models import Job, JobState, Transcript, Upload
from transcripts.services import uploads

pytestmark = pytest.mark.django_db
LIST = "/api/v1/transcripts/"


def detail(transcript: Transcript, action: str = "") -> str:
    return f"{LIST}{transcript.pk}/{action}"


@pytest.fixture
def talk(alice: User) -> Transcript:
    return rows.transcript(alice)


def test_the_newest_come_first_in_pages(keyed: Client, alice: User, charlie: User) -> None:
    made = [rows.transcript(alice, title=f"talk {number}") for number in range(3)]
    rows.transcript(alice, title="failed", state=JobState.FAILED)
    rows.transcript(charlie, title="not Alice's")
    page = keyed.get(f"{LIST}?limit=2&status=completed").json()
    assert page["count"] == 3
    assert [item["id"] for item in page["results"]] == [made[2].pk, made[1].pk]
    assert page["previous"] is None
    second = keyed.get(page["next"]).json()
    assert [item["id"] for item in second["results"]] == [made[0].pk]
    assert second["next"] is None
    assert keyed.get(second["previous"]).json() == page


def test_an_item_says_what_a_list_shows(keyed: Client, talk: Transcript) -> None:
    item = keyed.get(LIST).json()["results"][0]
    assert item["id"] == talk.pk
    assert item["slug"] == talk.slug
    assert item["title"] == talk.title
    assert item["status"] == "completed"
    assert item["language"] == "en"
    assert item["model"] == "base"
    assert isinstance(item["duration"], float)
    assert datetime.fromisoformat(item["created_at"]).tzinfo == UTC
    assert item["word_count"] == talk.word_count
    assert item["speakers"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "processing"}, ["running"]),
        ({"status": "failed"}, ["failed"]),
        ({"language": "fr"}, ["french"]),
        ({"date_from": "2026-03-02"}, ["running", "failed", "french"]),
        ({"date_to": "2026-03-01"}, ["old"]),
        ({"date_from": "2026-03-01", "date_to": "2026-03-01"}, ["old"]),
        ({"status": "", "limit": ""}, ["running", "failed", "french", "old"]),
    ],
)
def test_filters(keyed: Client, alice: User, query: dict[str, str], found: list[str]) -> None:
    old = rows.transcript(alice, title="old")
    Transcript.objects.filter(pk=old.pk).update(created_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    rows.transcript(alice, title="french", language="fr")
    rows.transcript(alice, title="failed", state=JobState.FAILED)
    rows.transcript(alice, title="running", state=JobState.RUNNING)
    assert [item["title"] for item in keyed.get(LIST, query).json()["results"]] == found


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"offset": "-1"},
        {"offset": "9" * 20},
        {"status": "done"},
        {"date_from": "1.2.2026"},
    ],
)
def test_a_bad_filter_is_refused(keyed: Client, query: dict[str, str]) -> None:
    answer = keyed.get(LIST, query)
    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["error"]


def test_one_transcript_by_any_of_its_names(keyed: Client, talk: Transcript) -> None:
    for ref in (talk.pk, talk.slug, talk.public_id):
        body = keyed.get(f"{LIST}{ref}/").json()
        assert body["id"] == talk.pk
    assert body["text"] == talk.text
    assert body["summary"] is None
    assert body["source"]["filename"] == talk.media.filename
    assert body["progress"]["phase"]
    first = body["segments"][0]
    assert (first["order"], first["text"], first["speaker"]) == (0, rows.TALK[0].text, None)
    assert [word["word"] for word in first["words"]] == rows.TALK[0].text.split()
    assert 0 <= first["confidence"] <= 1


@pytest.mark.parametrize(
    ("method", "action"),
    [("get", ""), ("patch", ""), ("delete", ""), ("post", "cancel/"), ("get", "export/txt/")],
)
def test_a_stranger_finds_nothing(charlie: User, talk: Transcript, method: str, action: str) -> None:
    key = api_keys.create_key(charlie, "Charlie's")[1]
    client = Client(headers={"Authorization": f"Bearer {key}"})
    data = '{"title": "mine now"}' if method == "patch" else None
    answer = getattr(client, method)(detail(talk, action), data=data, content_type="application/json")
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]
    talk.refresh_from_db()
    assert talk.title == "Weekly planning"


def test_nobody_gets_in_without_signing_in(anonymous: Client, talk: Transcript) -> None:
    for address in (LIST, detail(talk)):
        answer = anonymous.get(address)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_does_only_what_its_scopes_say(alice: User, talk: Transcript) -> None:
    key = api_keys.create_key(alice, "reader", scopes=("read",))[1]
    client = Client(headers={"Authorization": f"Bearer {key}"})
    assert client.get(detail(talk)).status_code == 200
    assert client.delete(detail(talk)).status_code == 403
    assert Transcript.objects.filter(pk=talk.pk).exists()


def test_a_browser_must_send_its_token(browser: Client, talk: Transcript) -> None:
    assert browser.get(detail(talk)).status_code == 200
    refused = browser.delete(detail(talk))
    assert refused.status_code == 403
    assert list(refused.json()) == ["error"]
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.delete(detail(talk), headers={"X-CSRFToken": "a" * 32}).status_code == 204


def test_a_deleted_transcript_is_gone_with_its_recording(
    keyed: Client, talk: Transcript, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert keyed.delete(detail(talk)).status_code == 204
    assert keyed.get(detail(talk)).status_code == 404
    assert not Job.objects.exists()


def test_a_new_title(keyed: Client, talk: Transcript) -> None:
    answer = keyed.patch(detail(talk), '{"title": "  Renamed talk "}', content_type="application/json")
    assert answer.json()["title"] == "Renamed talk"
    talk.refresh_from_db()
    assert talk.title == "Renamed talk"


@pytest.mark.parametrize("body", ['{"title": ""}', "{}", '{"title": "x", "text": "y"}', "nonsense", '["title"]'])
def test_a_bad_change_is_refused(keyed: Client, talk: Transcript, body: str) -> None:
    answer = keyed.patch(detail(talk), body, content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


def test_a_form_is_not_what_this_address_takes(keyed: Client, talk: Transcript) -> None:
    answer = keyed.patch(detail(talk), "title=x", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415


def test_cancelling(keyed: Client, alice: User) -> None:
    waiting = rows.transcript(alice, state=JobState.QUEUED)
    assert keyed.post(detail(waiting, "cancel/")).json()["status"] == "cancelled"
    done = rows.transcript(alice)
    assert keyed.post(detail(done, "cancel/")).json()["status"] == "completed"


def export(client: Client, transcript: Transcript, name: str, **options: str) -> Any:
    return client.get(detail(transcript, f"export/{name}/"), options)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("txt", "text/plain"),
        ("md", "text/markdown"),
        ("srt", "application/x-subrip"),
        ("vtt", "text/vtt"),
        ("json", "application/json"),
        ("csv", "text/csv"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("pdf", "application/pdf"),
    ],
)
def test_every_format_downloads(keyed: Client, talk: Transcript, name: str, media_type: str) -> None:
    answer = export(keyed, talk, name)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == media_type
    assert answer.headers["Content-Disposition"] == (f'attachment; filename="{talk.slug}.{name}"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(answer.content) > 50


def test_the_list_of_formats_is_the_one_tested() -> None:
    assert list(FORMATS) == ["txt", "md", "srt", "vtt", "json", "csv", "docx", "pdf"]


def test_exports_can_be_read(keyed: Client, talk: Transcript) -> None:
    assert json.loads(export(keyed, talk, "json").content)["ai_generated"] is True
    table = list(csv.reader(io.StringIO(export(keyed, talk, "csv", disclosure="0").content.decode("utf-8-sig"))))
    assert table[0] == ["order", "start", "end", "speaker", "text"]
    assert export(keyed, talk, "srt").content.decode("utf-8-sig").splitlines()[1].startswith("00:00:00,500 --> ")


@pytest.mark.parametrize(("given", "there"), [("1", True), ("0", False), ("", True)])
def test_the_disclosure_is_the_callers_choice(keyed: Client, talk: Transcript, given: str, there: bool) -> None:
    assert (b"AI-generated" in export(keyed, talk, "txt", disclosure=given).content) is there


def test_a_name_that_is_not_ascii_survives(keyed: Client, talk: Transcript) -> None:
    Transcript.objects.filter(pk=talk.pk).update(slug="grüße-aus-köln")
    disposition = export(keyed, talk, "txt").headers["Content-Disposition"]
    assert disposition == "attachment; filename*=utf-8''gr%C3%BC%C3%9Fe-aus-k%C3%B6ln.txt"


def test_an_unknown_format_is_refused(keyed: Client, talk: Transcript) -> None:
    answer = export(keyed, talk, "xyz")
    assert answer.status_code == 400
    assert "pdf" in answer.json()["error"]
    assert export(keyed, talk, "txt", profile="cinema").status_code == 400


def test_what_is_not_ready_cannot_be_exported(keyed: Client, alice: User) -> None:
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED):
        assert export(keyed, rows.transcript(alice, state=state), "txt").status_code == 409


def test_the_accept_header_of_a_program_is_no_obstacle(keyed: Client, talk: Transcript) -> None:
    assert keyed.get(detail(talk, "export/csv/"), headers={"Accept": "text/csv"}).status_code == 200
    assert keyed.get(LIST, headers={"Accept": "text/html"}).status_code == 200


def uploaded(owner: User, body: bytes, sent: int | None = None) -> str:
    caller = Caller(owner, None, "192.0.2.1", plan_of(owner))
    upload: Upload = uploads.create(owner, "Board meeting.wav", len(body), caller.plan.max_file_bytes)
    storage.incoming_path(upload.key).write_bytes(body)
    Upload.objects.filter(pk=upload.pk).update(offset=len(body) if sent is None else sent)
    return upload.key


def create(client: Client, **body: Any) -> Any:
    return client.post(LIST, json.dumps(body), content_type="application/json")


def test_a_finished_upload_becomes_a_transcript(keyed: Client, alice: User) -> None:
    answer = create(keyed, upload=uploaded(alice, b"RIFF"), language="en", title="Board")
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["Location"] == f"{LIST}{body['id']}/"
    assert (body["status"], body["title"], body["duration"]) == ("pending", "Board", None)
    assert body["source"]["filename"] == "Board meeting.wav"
    assert not Upload.objects.exists()
    assert Job.objects.get().options["language"] == "en"


def test_an_upload_is_used_once(keyed: Client, alice: User) -> None:
    key = uploaded(alice, b"RIFF")
    assert create(keyed, upload=key).status_code == 201
    assert create(keyed, upload=key).status_code == 404


def test_an_upload_that_is_not_whole_waits(keyed: Client, alice: User) -> None:
    key = uploaded(alice, b"RIFF", sent=2)
    assert create(keyed, upload=key).status_code == 409
    assert Upload.objects.filter(key=key).exists()


def test_an_upload_of_a_stranger_is_not_there(keyed: Client, charlie: User) -> None:
    key = uploaded(charlie, b"RIFF")
    assert create(keyed, upload=key).status_code == 404
    assert Upload.objects.filter(key=key).exists()


def test_what_to_listen_for_reaches_the_job(keyed: Client, alice: User) -> None:
    wish = {"prompt": "At work.", "keywords": ["Acme:50", "New York"], "languages": ["EN", "es"], "clean": True}
    assert create(keyed, upload=uploaded(alice, b"RIFF"), **wish).status_code == 201
    options = Job.objects.get().options
    assert options["keywords"] == [{"term": "Acme", "weight": 10.0}, {"term": "New York", "weight": 1.5}]
    assert (options["prompt"], options["languages"], options["clean"]) == ("At work.", ["en", "es"], True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"upload": ""},
        {"upload": 5 * "x" * 20},
        {"upload": "x", "diarize": "maybe"},
        {"upload": "x", "keywords": ["x:-1"]},
        {"upload": "x", "keywords": ["x:heavy"]},
        {"upload": "x", "languages": ["en", "klingon"]},
    ],
)
def test_a_bad_order_is_refused(keyed: Client, body: dict[str, Any]) -> None:
    assert create(keyed, **body).status_code == 400


def test_a_bad_model_does_not_cost_the_upload(keyed: Client, alice: User) -> None:
    key = uploaded(alice, b"RIFF")
    answer = create(keyed, upload=key, model="gigantic")
    assert answer.status_code == 400
    assert "large-v3-turbo" in answer.json()["error"]
    assert create(keyed, upload=key).status_code == 201


def test_a_refusal_for_now_does_not_cost_the_upload(keyed: Client, alice: User, engine: StandInEngine) -> None:
    key = uploaded(alice, b"RIFF")
    engine.probe_error = EngineGone("engine_gone", "It is being started.")
    assert create(keyed, upload=key).status_code == 503
    assert [path.name for path in incoming.directory().iterdir()] == [key]
    engine.probe_error = None
    assert create(keyed, upload=key).status_code == 201


def test_a_recording_that_will_not_do_is_gone(keyed: Client, alice: User, engine: StandInEngine) -> None:
    key = uploaded(alice, b"RIFF")
    engine.probe_error = MediaError("no_audio_stream")
    assert create(keyed, upload=key).status_code == 400
    assert not Upload.objects.exists()
    assert not list(incoming.directory().iterdir())


def test_an_accepted_upload_leaves_nothing_behind(
    keyed: Client, alice: User, django_capture_on_commit_callbacks: Commits
) -> None:
    key = uploaded(alice, b"RIFF")
    with django_capture_on_commit_callbacks(execute=True):
        assert create(keyed, upload=key).status_code == 201
    assert not list(incoming.directory().iterdir())
    with storage.local_path(Job.objects.get().media.key) as stored:
        assert stored.read_bytes() == b"RIFF"
