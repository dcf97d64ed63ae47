"""What a live stream costs, and what is left of it, when its end is not the usual one."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import ConcurrencySlot, Reservation, User
from accounts.services import ledger
from accounts.services.access import Caller
from accounts.services.audit import audit
from accounts.services.plans import plan_of
from tests.web import rows
from transcripts import incoming, selectors
from transcripts.models import LiveStream, Media, Transcript
from transcripts.services import live, sweep, transcripts

pytestmark = pytest.mark.django_db


def over_for_long(stream: LiveStream, **config: bool) -> None:
    ended = timezone.now() - 2 * live.ABANDONED
    LiveStream.objects.filter(pk=stream.pk).update(ended_at=ended, seen_at=ended, config=config)


def test_a_stream_that_failed_costs_nothing_however_long_it_was(user: User) -> None:
    before = ledger.balance(user)
    admitted = live.admit(Caller(user, None, "192.0.2.1", plan_of(user)), "stt_ai", {})
    assert ledger.balance(user).held_mc > 0
    assert live.end(admitted.stream.pk, 45_000, free=True) == 0
    # Nor later, when whoever missed its end comes along.
    assert live.end(admitted.stream.pk, 45_000) == 0
    sweep.sweep()
    assert ledger.balance(user) == before
    assert set(Reservation.objects.values_list("state", "charged_mc")) == {(Reservation.State.SETTLED, 0)}
    assert not ConcurrencySlot.objects.exists()
    assert audit() == []


def test_text_that_could_not_be_saved_is_saved_by_the_sweeper(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, other = rows.captions(user, "Open the red door."), rows.captions(user, "Play my music.")
    over_for_long(stream, save=True)
    over_for_long(other, save=False)
    live.recording_path(stream).write_bytes(bytes(32_000))

    def full(raw: Path, path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(live, "_write_wav", full)
        sweep.sweep()
    assert not Transcript.objects.exists()
    assert not Media.objects.exists()
    sweep.sweep()
    (made,) = Transcript.objects.all()
    assert selectors.document(made).text == "Open the red door."
    assert made.media.size > 32_000
    assert not list(incoming.directory().iterdir())


def test_what_was_deleted_is_not_saved_once_more(user: User) -> None:
    stream = rows.captions(user, "Open the red door.")
    over_for_long(stream, save=True)
    sweep.sweep()
    transcripts.delete(Transcript.objects.get())
    sweep.sweep()
    assert not Transcript.objects.exists()


def test_a_stream_that_ended_just_now_is_left_to_its_own_process(user: User) -> None:
    stream = rows.captions(user, "Open the red door.")
    LiveStream.objects.filter(pk=stream.pk).update(
        config={"save": True}, ended_at=timezone.now() - timedelta(seconds=5)
    )
    sweep.sweep()
    assert not Transcript.objects.exists()
