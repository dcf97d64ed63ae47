"""One line a request, without waiting for the database."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import RequestLog, User
from accounts.services import api_keys, request_log
from tests.accounts.scratch import scratch_database
from tests.accounts.test_api import Api
from tests.conftest import Clock


@pytest.mark.django_db
def test_a_request_leaves_a_line(alice: User, alice_key: str, clock: Clock) -> None:
    answer = Api(alice_key).send("GET", "keys/999/")
    (line,) = request_log.recent(alice)
    assert (line.method, line.endpoint, line.status) == ("GET", "/api/v1/keys/<int:pk>/", 405)
    assert line.request_id == answer.headers["X-Request-Id"]
    assert line.api_key == alice.api_keys.get()
    assert line.at == clock.now
    assert (line.transcript_id, line.charged_mc) == (None, None)


@pytest.mark.django_db
def test_requests_of_nobody_and_of_pages_leave_none(alice: User) -> None:
    Client().get("/v1/models")
    Api("stt_live_x")("GET", "account/")
    page = Client()
    page.force_login(alice)
    page.get("/usage/")
    assert not RequestLog.objects.exists()
    page.get("/api/v1/usage/")
    assert request_log.recent(alice)[0].api_key is None


@pytest.mark.django_db
def test_lines_come_newest_first_by_page_and_key(alice: User, charlie: User, alice_key: str) -> None:
    key, other = api_keys.create_key(alice, "other")
    for plaintext in (alice_key, other, alice_key, api_keys.create_key(charlie, "Charlie's")[1]):
        Api(plaintext)("GET", "account/")
    lines = request_log.recent(alice)
    assert [line.pk for line in lines] == sorted((line.pk for line in lines), reverse=True)
    assert len(lines) == 3
    assert request_log.recent(alice, limit=2) == lines[:2]
    assert request_log.recent(alice, before=lines[1].pk) == lines[2:]
    assert request_log.recent(alice, key=key) == [lines[1]]


@pytest.mark.django_db
def test_old_lines_go(
    alice: User, alice_key: str, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "PURGE_BATCH", 2)
    for _ in range(5):
        Api(alice_key)("GET", "account/")
    clock.advance(days=settings.REQUEST_LOG_DAYS)
    request_log.purge()
    assert RequestLog.objects.count() == 5
    clock.now += timedelta(seconds=1)
    request_log.purge()
    assert RequestLog.objects.count() == 0


@pytest.mark.django_db
def test_a_line_outlives_its_key_but_not_its_account(alice: User, alice_key: str) -> None:
    Api(alice_key)("GET", "account/")
    alice.api_keys.get().delete()
    assert request_log.recent(alice)[0].api_key is None
    alice.delete()
    assert not RequestLog.objects.exists()


BATCH = """
import django
django.setup()
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from accounts.models import RequestLog, User
from accounts.services import request_log
user = User.objects.create_user("logged@example.com")
with CaptureQueriesContext(connection) as asked:
    for number in range(50):
        request_log.record(RequestLog(user_id=user.pk + number % 2, at=timezone.now(), method="GET", endpoint="/",
                                      status=200, request_id=f"req_{number}", duration_ms=1))
print(len(asked), RequestLog.objects.count())
"""


COUNT = """
import django
django.setup()
from accounts.models import RequestLog
print(RequestLog.objects.count())
"""


@pytest.mark.slow
def test_a_process_writes_its_lines_together_and_before_it_ends(tmp_path: Path) -> None:
    """A line of an account that went meanwhile costs the others nothing."""
    with scratch_database("sqlite", tmp_path) as scratch:
        scratch.environment |= {"DJANGO_SETTINGS_MODULE": "stt_site.settings", "STT_REQUEST_LOG_SECONDS": "30"}
        assert scratch.run("-c", BATCH).split() == ["0", "0"]
        assert scratch.run("-c", COUNT).split() == ["50"]
