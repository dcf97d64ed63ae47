"""What nobody needs any more goes, so that no table grows for ever."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import Mail, StripeEvent, User
from accounts.services import mails, sessions, stripe_events
from tests.conftest import PASSWORD, Clock

pytestmark = pytest.mark.django_db


def test_mails_that_were_sent_long_ago_are_forgotten(alice: User, clock: Clock) -> None:
    for month, due in (("2026-08", None), ("2026-09", clock.now)):
        Mail.objects.create(user=alice, kind=Mail.Kind.FREE_LOW, about=month, next_at=due)
    mails.purge()
    assert Mail.objects.count() == 2
    clock.advance(days=91)
    mails.purge()
    assert Mail.objects.get().about == "2026-09"


def test_events_that_had_their_effect_are_forgotten_and_refused_ones_are_not(clock: Clock) -> None:
    for outcome in StripeEvent.Outcome:
        done = None if outcome == StripeEvent.Outcome.WAITING else clock.now
        StripeEvent.objects.create(
            event_id=f"evt_{outcome}",
            livemode=False,
            created_at=clock.now,
            not_before=clock.now,
            outcome=outcome,
            processed_at=done,
        )
    stripe_events.purge()
    assert StripeEvent.objects.count() == 4
    clock.advance(days=91)
    stripe_events.purge()
    assert set(StripeEvent.objects.values_list("outcome", flat=True)) == {"waiting", "refused"}


def test_sessions_that_are_over_are_forgotten_with_their_devices(alice: User) -> None:
    for _ in range(2):
        Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    over, living = Session.objects.order_by("session_key")
    Session.objects.filter(pk=over.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    sessions.purge()
    assert Session.objects.get() == living
    assert UserSession.objects.get().session_key == living.session_key
