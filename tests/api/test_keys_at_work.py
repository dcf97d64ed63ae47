"""What a test key, a capped key and a logged request come to when something is transcribed."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import Reservation, User
from accounts.services import api_keys, key_caps, ledger, request_log
from accounts.visit import visit_of
from tests.api.conftest import transcribe
from tests.conftest import Clock
from tests.transcripts.stand_ins import StandInEngine
from transcripts.models import Job, Transcript
from transcripts.services import transcripts
from transcripts.uploads.received import received

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


def program(user: User, **powers: Any) -> Client:
    key = api_keys.create_key(user, "key", **powers)[1]
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


def test_a_test_key_gets_a_true_answer_for_nothing_for_a_day(alice: User, clock: Clock, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    answer = transcribe(program(alice, mode="test"))
    assert answer.status_code == 200
    assert answer.json()["text"] == "chunk 0 chunk 1 chunk 2"
    assert answer.headers["X-Key-Mode"] == "test"
    assert not Reservation.objects.exists()
    assert Transcript.objects.get().owner == alice
    clock.advance(hours=settings.ANONYMOUS_RETENTION_HOURS)
    transcripts.purge_expired()
    assert not Transcript.objects.exists()


def test_a_live_key_is_not_marked(keyed: Client) -> None:
    assert "X-Key-Mode" not in transcribe(keyed).headers


def test_a_test_key_takes_short_recordings_only(alice: User, engine: StandInEngine) -> None:
    engine.info, engine.chunks = replace(engine.info, duration=61.0), 7
    answer = transcribe(program(alice, mode="test"))
    assert answer.status_code == 400
    assert "60 s" in answer.json()["error"]
    engine.info = replace(engine.info, duration=None)
    transcribe(program(alice, mode="test"))
    # Where the header says nothing, the engine stops there.
    assert engine.options[-1].max_seconds == 60
    assert ledger.balance(alice).used_this_month_mc == 0


def test_the_test_keys_of_an_account_share_a_day(alice: User, settings: Settings, clock: Clock) -> None:
    settings.TEST_KEY_PER_DAY = 2
    one, other = program(alice, mode="test"), program(alice, mode="test")
    assert [transcribe(client).status_code for client in (one, other, one)] == [200, 200, 429]
    assert int(transcribe(other).headers["Retry-After"]) > 3600
    clock.advance(days=1)
    assert transcribe(one).status_code == 200


def test_a_capped_key_stops_at_its_cap_and_the_account_goes_on(alice: User, engine: StandInEngine) -> None:
    capped, free = program(alice, monthly_minutes=2), program(alice)
    assert [transcribe(capped).status_code for _ in range(3)] == [200, 200, 402]
    refused = transcribe(capped)
    assert "This API key has spent" in refused.json()["error"]
    assert transcribe(free).status_code == 200
    assert Job.objects.count() == 3
    assert key_caps.spent_mc(alice.api_keys.get(monthly_minutes=2)) == 2000
    assert ledger.balance(alice).held_mc == 0


def test_a_capped_key_takes_no_recording_that_would_pass_the_cap(alice: User, engine: StandInEngine) -> None:
    engine.info = replace(engine.info, duration=61.0)
    answer = transcribe(program(alice, monthly_minutes=1))
    assert answer.status_code == 402
    assert "would pass" in answer.json()["error"]
    assert engine.options == []


def test_the_log_names_the_transcript_and_what_it_cost(keyed: Client, alice: User) -> None:
    transcribe(keyed)
    transcribe(keyed, response_format="docx")
    refused, done = request_log.recent(alice)
    assert (done.endpoint, done.status, done.charged_mc) == ("/v1/transcribe", 200, 1000)
    assert done.transcript_id == Transcript.objects.get().pk
    assert (refused.status, refused.charged_mc, refused.transcript_id) == (400, None, None)


def test_a_refused_upload_is_logged_too(alice: User, keyed: Client) -> None:
    ledger.reserve(alice, "job:0", ledger.balance(alice).available_mc)
    assert transcribe(keyed).status_code == 402
    assert [line.status for line in request_log.recent(alice)] == [402]


def test_what_costs_no_credits_asks_for_none_without_the_gate_either(
    alice: User, alice_key: str, settings: Settings
) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    request = RequestFactory().post("/v1/tts", {}, headers={"Authorization": f"Bearer {alice_key}"})
    assert received(request).caller.user == alice
    standing = visit_of(request).standing
    assert standing is not None
    assert standing.bucket.name == "text"
