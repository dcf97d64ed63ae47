"""What a job costs in the end: contract.md's charging rules, from the order to the ledger."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.core import mail

from accounts.models import Mail, Reservation, User
from accounts.services import ledger
from accounts.services.audit import audit
from accounts.services.tariffs import STANDARD, Tariff, tariff_of
from accounts.tasks import send_mail
from engine.types import Event, MediaInfo, Notice, Transcript
from tests.transcripts.stand_ins import StandInEngine
from transcripts.models import Job, JobState
from transcripts.services import transcripts
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db
Make = Callable[..., Order]
SIXTYDB = tariff_of("sixtydb")


def ran(order: Order) -> Job:
    job = submit(order).job
    run_job(job.pk)
    job.refresh_from_db()
    assert audit() == []
    return job


@pytest.mark.parametrize(
    ("tariff", "held_mc", "charged_mc"),
    [(STANDARD, 1000, 1000), (SIXTYDB, 500, 500), (tariff_of("sixtydb", speakers=True), 650, 650)],
    ids=["begun minute", "begun second", "and speakers"],
)
def test_the_order_says_by_which_rule(order: Make, user: User, tariff: Tariff, held_mc: int, charged_mc: int) -> None:
    job = ran(order(tariff=tariff))
    assert (job.reserved_mc, job.charged_mc) == (held_mc, charged_mc)
    assert ledger.balance(user).used_this_month_mc == charged_mc


@pytest.mark.parametrize(
    ("text", "code", "charged_mc"),
    [("", "no_speech_detected", 1000), ("", "low_snr_dropped", 0), ("chunk", "media_truncated", 1000)],
)
def test_silence_is_charged_and_noise_is_not(
    order: Make, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch, text: str, code: str, charged_mc: int
) -> None:
    transcribe = engine.transcribe

    def noticed(*args: object, on_event: Callable[[Event], None], **more: object) -> Transcript:
        result = transcribe(*args, on_event=on_event, **more)  # type: ignore[arg-type]
        return replace(result, text=text, segments=(), warnings=(Notice(code, "A sentence."),))

    monkeypatch.setattr(engine, "transcribe", noticed)
    job = ran(order())
    assert (job.state, job.charged_mc) == (JobState.SUCCEEDED, charged_mc)


def test_credits_for_seconds_hold_the_whole_seconds_that_they_cover(
    order: Make, engine: StandInEngine, user: User
) -> None:
    engine.info = MediaInfo("matroska,webm", "opus", None, 48000, 1, False)
    ledger.reserve(user, "spent", 600_000 - 100)
    job = submit(order(tariff=SIXTYDB)).job
    assert (job.reserved_mc, job.options["max_seconds"]) == (17, 2.0)  # 4 bytes: a second, and the headroom


def test_what_was_paid_for_is_named_after_the_transcript_is_gone(order: Make, user: User) -> None:
    job = ran(order())
    name = job.transcript.public_id
    transcripts.delete(job.transcript)
    assert list(Reservation.objects.values_list("paid_for", "charged_mc", "state")) == [(name, 1000, "settled")]


@pytest.mark.parametrize(("interactive", "wanted", "mails"), [(False, True, 1), (True, True, 0), (False, False, 0)])
def test_who_left_the_page_may_be_mailed_that_it_is_ready(
    order: Make, user: User, interactive: bool, wanted: bool, mails: int
) -> None:
    User.objects.filter(pk=user.pk).update(mail_transcript_ready=wanted)
    job = ran(order(interactive=interactive, title="Monday <talk>"))
    assert Mail.objects.count() == mails
    for message in Mail.objects.all():
        send_mail(message.pk)
        assert mail.outbox[0].subject == "“Monday <talk>” is ready"
        assert f"/transcripts/{job.transcript.slug}/" in str(mail.outbox[0].body)
    transcripts.delete(job.transcript)
    assert not Mail.objects.exists()
