"""Each invariant, broken on purpose: the audit names it, new paid work waits, and the log and /health say so."""

import io
import logging
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, Entry, LedgerCheck, Reservation, User
from accounts.models.ledger import HOUSE
from accounts.services import ledger, soundness
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock
from tests.transcripts.conftest import held_mc
from transcripts.models import Job, JobState, Transcript
from transcripts.services import sweep
from transcripts.services.audit import audit
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db
Make = Callable[..., Order]
Plant = Callable[[Job], object]


def available() -> "Account":
    return Account.objects.get(kind=AccountKind.AVAILABLE)


def lose_a_transfer(job: Job) -> None:
    """A balance that no transfer explains, and another that makes up for it in the sum."""
    Account.objects.filter(pk=available().pk).update(balance=available().balance + 7)
    Account.objects.filter(owner_id=HOUSE, kind=AccountKind.GRANTS).update(balance=-600_007)


def overdraw(job: Job) -> None:
    Account.objects.filter(pk=available().pk).update(balance=-1, allow_negative=True)


def close_behind_its_back(job: Job) -> None:
    Reservation.objects.update(state=Reservation.State.RELEASED)


def close_without_a_job(job: Job) -> None:
    Entry.objects.create(idem_key="job:0:close", kind=Entry.Kind.SETTLE, owner_id=1, reference="job:0")


def give_for_nothing(job: Job) -> None:
    CreditLot.objects.create(owner_id=1, source="grant", reference="nowhere", granted_mc=5, priority=CreditLot.PAID)


def charge_more_than_was_earned(job: Job) -> None:
    ledger.settle(f"job:{job.pk}", 0)
    Reservation.objects.update(charged_mc=1)


def end_without_closing(job: Job) -> None:
    Job.objects.update(state=JobState.FAILED)


def lose_the_text(job: Job) -> None:
    run_job(job.pk)
    Transcript.objects.all().delete()


def forget(job: Job) -> None:
    Job.objects.update(state=JobState.RUNNING, lease_until=timezone.now() - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (lambda job: Account.objects.filter(pk=available().pk).update(balance=5), {"I1", "I2"}),
        (lose_a_transfer, {"I2", "I7"}),
        (overdraw, {"I1", "I2", "I3"}),
        (lambda job: Reservation.objects.update(amount_mc=2), {"I4"}),
        (close_behind_its_back, {"I4", "I5"}),
        (close_without_a_job, {"I5"}),
        (end_without_closing, {"I5"}),
        (charge_more_than_was_earned, {"I5", "I6"}),
        (give_for_nothing, {"I7"}),
        (lose_the_text, {"I8"}),
        (forget, {"I9"}),
    ],
    ids=lambda plant: getattr(plant, "__name__", ""),
)
def test_a_planted_breach_is_named(job: Job, plant: Plant, named: set[str]) -> None:
    assert audit() == []
    plant(job)
    assert {breach.invariant for breach in audit()} == named


def test_the_books_hold_through_a_job(job: Job) -> None:
    assert audit() == []
    run_job(job.pk)
    assert audit() == []


def test_broken_books_take_no_paid_work_until_they_are_mended(
    order: Make, user: User, job: Job, client: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    sweep.sweep()
    assert client.get("/health").json()["ledger"] == "ok"
    right = available().balance
    Account.objects.filter(pk=available().pk).update(balance=5)
    clock.advance(seconds=59)
    sweep.sweep()
    assert client.get("/health").json()["ledger"] == "ok"
    clock.advance(seconds=2)
    with caplog.at_level(logging.ERROR):
        sweep.sweep()
    assert "I1: all balances together are" in caplog.text
    health = client.get("/health").json()
    assert (health["ledger"], health["status"]) == ("broken", "degraded")
    with pytest.raises(ServiceError, match="did not pass its check") as refusal:
        submit(order())
    assert (refusal.value.code, refusal.value.status) == (ErrorCode.LEDGER_BROKEN, 503)
    assert refusal.value.retry_after
    Account.objects.filter(pk=available().pk).update(balance=right)
    clock.advance(seconds=61)
    sweep.sweep()
    assert client.get("/health").json()["ledger"] == "ok"
    assert submit(order()).pk


def test_who_pays_nothing_is_served_while_the_books_are_broken(order: Make, anonymous: object, job: Job) -> None:
    LedgerCheck.objects.create(pk=LedgerCheck.ONLY, next_at=timezone.now(), broken=True)
    assert submit(order(caller=anonymous)).pk
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED


def test_workers_that_are_behind_are_named_and_keep_nobody_out(order: Make, job: Job, client: Client) -> None:
    forget(job)
    assert [breach.invariant for breach in soundness.check(audit)] == ["I9"]
    assert client.get("/health").json()["ledger"] == "ok"
    assert submit(order()).pk


def test_a_long_audit_comes_less_often(clock: Clock, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ten_seconds = iter([0.0, 10.0])
    monkeypatch.setattr("accounts.services.soundness.time", SimpleNamespace(monotonic=lambda: next(ten_seconds)))
    soundness.check(list)
    assert LedgerCheck.objects.get().next_at == clock.now + timedelta(seconds=200)


def test_a_check_that_stopped_is_not_called_fine(clock: Clock, db: None, client: Client) -> None:
    assert client.get("/health").json()["ledger"] == "unchecked"
    soundness.check(audit)
    assert client.get("/health").json()["ledger"] == "ok"
    clock.advance(hours=2)
    assert client.get("/health").json()["ledger"] == "unchecked"


def test_credits_held_for_a_job_that_is_gone_come_back(job: Job, user: User, order: Make) -> None:
    living = submit(order()).job
    Job.objects.filter(pk=job.pk).delete()
    sweep.clean()
    assert held_mc(user) == living.reserved_mc
    assert audit() == []


def test_check_ledger_is_quiet_about_good_books_and_fails_on_bad_ones(job: Job) -> None:
    good, bad = io.StringIO(), io.StringIO()
    call_command("check_ledger", stdout=good)
    assert "holds" in good.getvalue()
    Account.objects.filter(pk=available().pk).update(balance=5)
    with pytest.raises(CommandError, match="2 breaches"):
        call_command("check_ledger", stdout=bad)
    assert bad.getvalue().startswith("I1: ")
