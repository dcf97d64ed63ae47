"""`Idempotency-Key`: what a program repeats because an answer was lost is done and charged once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import IdempotentRequest, User
from accounts.services import api_keys, idempotency, ledger
from accounts.services.access import Caller
from accounts.services.plans import plan_of
from engine.errors import MediaError
from engine.types import Event
from stt_site.lib import doorbell
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock
from tests.transcripts.stand_ins import StandInEngine
from transcripts import storage
from transcripts.models import Job, JobState, Transcript
from transcripts.services import jobs, transcripts, uploads
from transcripts.services.run import run_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


def send(client: Client, key: str = "one", sound: bytes = b"RIFF", **fields: Any) -> Any:
    file = SimpleUploadedFile("talk.wav", sound, "audio/wav")
    return client.post("/v1/transcribe", {"file": file, **fields}, headers={"Idempotency-Key": key})


def spent(user: User) -> int:
    return ledger.balance(user).used_this_month_mc


@pytest.mark.parametrize("form", ["json", "srt"])
def test_a_repeated_request_gets_the_first_answer_and_costs_nothing(keyed: Client, alice: User, form: str) -> None:
    first = send(keyed, response_format=form)
    again = send(keyed, response_format=form)
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["X-Model"] == "stand-in"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1
    assert spent(alice) == 1000


@pytest.mark.parametrize("other", [{"sound": b"RIFX"}, {"language": "en"}])
def test_another_request_under_the_same_name_is_refused(keyed: Client, other: dict[str, Any]) -> None:
    send(keyed)
    answer = send(keyed, **other)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["error"]
    assert Job.objects.count() == 1


def test_a_live_key_is_not_given_what_a_test_key_was_answered(keyed: Client, alice: User) -> None:
    plaintext = api_keys.create_key(alice, "trial", mode="test")[1]
    assert send(Client(headers={"Authorization": f"Bearer {plaintext}"})).status_code == 200
    assert send(keyed).status_code == 422
    assert send(keyed, key="two").status_code == 200
    assert spent(alice) == 1000


def test_names_are_an_accounts_own(keyed: Client, charlie: User) -> None:
    send(keyed)
    browser = Caller(charlie, None, "192.0.2.1", plan_of(charlie))
    assert not idempotency.is_known(browser, "one")


def test_a_replay_needs_no_credits(keyed: Client, alice: User) -> None:
    """The last credit paid for the answer that was lost."""
    ledger.reserve(alice, "job:0", ledger.balance(alice).available_mc - 1000)
    first = send(keyed)
    assert send(keyed, key="two").status_code == 402
    assert send(keyed).content == first.content


def test_what_was_refused_may_be_tried_again(keyed: Client, alice: User) -> None:
    ledger.reserve(alice, "job:0", ledger.balance(alice).available_mc)
    assert send(keyed).status_code == 402
    ledger.release("job:0")
    assert send(keyed).status_code == 200


def test_what_failed_may_be_tried_again(keyed: Client, alice: User, engine: StandInEngine) -> None:
    def damaged(on_event: Callable[[Event], None], resumed: int) -> None:
        raise MediaError("decode_failed", "The file is damaged.")

    engine.script = damaged
    assert send(keyed).status_code == 400
    engine.script = None
    answer = send(keyed)
    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers
    assert spent(alice) == 1000


def test_a_retry_while_the_first_still_waits_starts_no_second_job(
    keyed: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries: list[Any] = []

    def wait(bell: doorbell.Doorbell, seconds: float) -> bool:
        if not retries:
            retries.append(send(keyed))
        for job in Job.objects.filter(state=JobState.QUEUED):
            run_job(job.pk)
        return True

    monkeypatch.setattr(doorbell.Doorbell, "wait", wait)
    assert send(keyed).status_code == 200
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in retries] == [(409, "1")]
    assert Job.objects.count() == 1
    assert send(keyed).headers["Idempotent-Replayed"] == "true"
    assert spent(alice) == 1000


def test_where_the_first_to_wait_died_a_retry_takes_its_place(
    keyed: Client, alice: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web process is gone, the worker finishes the job, the client asks again."""
    kept = idempotency.store

    def die(*given: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(idempotency, "store", die)
    with pytest.raises(SystemExit):
        send(keyed)
    monkeypatch.setattr(idempotency, "store", kept)
    assert send(keyed).status_code == 409
    clock.advance(seconds=61)
    assert send(keyed).status_code == 200
    assert send(keyed).headers["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1
    assert spent(alice) == 1000


def test_a_name_is_free_after_three_days(keyed: Client, alice: User, clock: Clock) -> None:
    send(keyed)
    clock.advance(hours=73)
    assert "Idempotent-Replayed" not in send(keyed, sound=b"RIFX").headers
    assert spent(alice) == 2000
    clock.advance(hours=73)
    idempotency.purge()
    assert not IdempotentRequest.objects.exists()


def test_a_deleted_transcript_takes_its_stored_answer_along(keyed: Client) -> None:
    send(keyed)
    transcripts.delete(Transcript.objects.get())
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_name_is_short_and_printable(keyed: Client, key: str) -> None:
    assert send(keyed, key=key).status_code == 400
    assert not Job.objects.exists()


def test_of_callers_without_an_account_nothing_is_kept(anonymous: Client) -> None:
    assert send(anonymous).status_code == 200
    assert not IdempotentRequest.objects.exists()


def test_a_finished_upload_becomes_one_transcript(keyed: Client, alice: User) -> None:
    upload = uploads.create(alice, "talk.wav", 4, 10)
    storage.incoming_path(upload.key).write_bytes(b"RIFF")
    uploads.advance(uploads.begin_append(alice, upload.key, 0), 4)

    def create(key: str, **fields: str) -> Any:
        body = {"upload": upload.key, **fields}
        return keyed.post("/api/v1/transcripts/", body, "application/json", headers={"Idempotency-Key": key})

    first, again = create("one"), create("one")
    assert first.status_code == again.status_code == 201, (first.content, again.content)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert create("one", title="Another").status_code == 422
    assert create("two").status_code == 404
    assert Transcript.objects.count() == 1
    jobs.request_cancel(Job.objects.get().pk)


def test_the_loser_of_a_race_takes_its_work_back(alice: User) -> None:
    caller = Caller(alice, None, "192.0.2.1", plan_of(alice))
    ticket = idempotency.ticket(caller, "one", "POST", "/v1/transcribe", {})
    idempotency.claim(ticket, "tr_1")
    with pytest.raises(ServiceError) as refusal:
        idempotency.claim(ticket, "tr_2")
    assert refusal.value.code is ErrorCode.IDEMPOTENCY_IN_FLIGHT
    assert IdempotentRequest.objects.get().reference == "tr_1"
