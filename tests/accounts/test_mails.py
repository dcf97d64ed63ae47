"""Low minutes are mailed once a month, by a worker, however often it takes; and said on the pages."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts import tasks
from accounts.models import Mail, User
from accounts.services import ledger, low_credits, mails, streams
from accounts.services.tariffs import STANDARD
from stt_site.lib import queue
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def spend(owner: User, minutes: int, name: str) -> None:
    ledger.reserve(owner, name, minutes * 1000)
    ledger.settle(name, minutes * 1000)
    low_credits.after_charge(owner)


def deliver() -> list[str]:
    """What the worker does with the messages of the queue; the subjects that came of it."""
    mail.outbox.clear()
    for pk in sorted(queue.pending(mails.SEND)):
        tasks.send_mail(pk)
    return [str(message.subject) for message in mail.outbox]


def test_four_fifths_and_all_of_the_month_are_mailed_once_each(alice: User, clock: Clock) -> None:
    spend(alice, 479, "job:1")
    assert deliver() == []
    spend(alice, 1, "job:2")
    assert deliver() == ["Steno: 120 minutes left"]
    assert mail.outbox[0].to == ["alice@example.com"]
    assert "new ones come on 1 December" in str(mail.outbox[0].body)
    assert "/usage/" in str(mail.outbox[0].body)
    spend(alice, 50, "job:3")
    assert deliver() == []
    spend(alice, 70, "job:4")
    assert deliver() == ["Steno: this month's free minutes are used"]
    assert "refused until 1 December" in str(mail.outbox[0].body)
    clock.advance(days=15)
    spend(alice, 500, "job:5")
    assert deliver() == ["Steno: 100 minutes left"]


def test_paid_minutes_that_run_low_are_mailed(alice: User, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    ledger.grant(alice, 100_000, actor="test", reason="test")
    spend(alice, 40, "job:1")
    assert deliver() == []
    spend(alice, 1, "job:2")
    assert deliver() == ["Steno: 59 minutes left"]
    assert "free" not in str(mail.outbox[0].body)


def test_free_minutes_that_end_before_many_paid_ones_are_no_alarm(alice: User, client: Client) -> None:
    ledger.grant(alice, 500_000, actor="test", reason="test")
    spend(alice, 600, "job:1")
    assert deliver() == ["Steno: this month's free minutes are used"]
    assert "From now on the 500 minutes" in str(mail.outbox[0].body)
    client.force_login(alice)
    assert "minutes are left." not in client.get("/usage/").content.decode()


def test_what_a_running_file_holds_counts_as_left(alice: User) -> None:
    ledger.reserve(alice, "job:long", 550_000)
    spend(alice, 1, "job:2")
    assert deliver() == []


def test_a_stream_tells_too(alice: User) -> None:
    streams.cover(alice, "s1", STANDARD, 480 * 60_000)
    streams.close(alice, "s1", STANDARD, 480 * 60_000)
    assert deliver() == ["Steno: 120 minutes left"]


def test_who_does_not_want_them_gets_none(alice: User) -> None:
    alice.mail_low_credits = False
    alice.save(update_fields=["mail_low_credits"])
    spend(alice, 600, "job:1")
    assert not Mail.objects.exists()


def test_who_changes_their_mind_before_it_is_sent_gets_none(alice: User) -> None:
    spend(alice, 600, "job:1")
    User.objects.update(mail_low_credits=False)
    assert deliver() == []
    assert Mail.objects.get().next_at is None


def test_a_mail_server_that_is_down_is_asked_again_and_the_mail_comes_once(
    alice: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    spend(alice, 480, "job:1")
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", down)
        assert deliver() == []
    waiting = Mail.objects.get()
    assert (waiting.attempts, waiting.sent_at) == (1, None)
    assert deliver() == []  # not yet due
    clock.advance(minutes=2)
    mails.ring_waiting()
    assert deliver() == ["Steno: 120 minutes left"]
    assert deliver() == []
    clock.advance(days=1)
    mails.ring_waiting()
    assert deliver() == []
    assert Mail.objects.get().sent_at


def test_it_is_given_up_after_hours(alice: User, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: object) -> int:
        raise OSError("no route")

    monkeypatch.setattr(EmailBackend, "send_messages", down)
    spend(alice, 480, "job:1")
    began = clock.now
    for _ in range(mails.MOST_ATTEMPTS):
        mails.send(Mail.objects.get().pk)
        clock.now = Mail.objects.get().next_at or clock.now
    assert Mail.objects.get().next_at is None
    assert clock.now - began > timedelta(hours=4)


def test_a_lost_message_is_rung_again(alice: User) -> None:
    spend(alice, 480, "job:1")
    OrmQ.objects.all().delete()
    mails.ring_waiting()
    mails.ring_waiting()
    assert OrmQ.objects.count() == 1
    assert deliver() == ["Steno: 120 minutes left"]


def test_every_page_says_that_minutes_are_low(alice: User, client: Client, clock: Clock) -> None:
    client.force_login(alice)
    assert "minutes are left." not in client.get("/keys/").content.decode()
    spend(alice, 490, "job:1")
    assert "110 minutes are left. New free ones come on 1 December." in client.get("/keys/").content.decode()
    spend(alice, 110, "job:2")
    assert "No minutes are left." in client.get("/usage/").content.decode()
