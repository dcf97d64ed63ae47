"""Slices held ahead of a stream: it never costs more than its sound, nor more than there was."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as run_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.models import Reservation, User
from accounts.services import ledger, streams
from accounts.services.audit import audit
from accounts.services.ledger import Work
from accounts.services.tariffs import RULES, STANDARD, Tariff, tariff_of
from tests.conftest import Clock

pytestmark = pytest.mark.django_db
SECONDS = tariff_of("sixtydb")


@pytest.fixture
def owner(alice: User, settings: Settings) -> User:
    """65 seconds of credits: 1083 and a third, without the third."""
    settings.FREE_MINUTES_PER_MONTH = 0
    ledger.grant(alice, 1_083, actor="test", reason="65 seconds")
    return alice


def heard(owner: User, tariff: Tariff, seconds: int) -> int:
    """A stream that asks for a minute ahead every half minute, and ends where it is not covered."""
    for position in range(0, seconds, 30):
        covered = streams.cover(owner, "s1", tariff, (position + 60) * 1000)
        if covered < (position + 30) * 1000:
            return covered
    return seconds * 1000


@pytest.mark.parametrize(("tariff", "heard_ms", "charged_mc"), [(STANDARD, 60_000, 1000), (SECONDS, 64_000, 1067)])
def test_a_stream_of_300_seconds_pays_at_most_the_65_that_there_are(
    owner: User, tariff: Tariff, heard_ms: int, charged_mc: int
) -> None:
    received = heard(owner, tariff, 300)
    assert received == heard_ms
    assert streams.close(owner, "s1", tariff, received) == charged_mc
    assert ledger.balance(owner).available_mc == 1_083 - charged_mc
    assert ledger.balance(owner).held_mc == 0
    assert audit() == []


def test_all_slices_together_are_rounded_up_once(owner: User) -> None:
    ledger.grant(owner, 100_000, actor="test", reason="enough")
    heard(owner, SECONDS, 301)
    assert Reservation.objects.count() == 11
    assert streams.close(owner, "s1", SECONDS, 301_000) == SECONDS.price_mc(301_000) == 5_017


def test_a_stream_without_sound_is_free(owner: User) -> None:
    assert streams.cover(owner, "s1", STANDARD, 60_000) == 60_000
    assert streams.close(owner, "s1", STANDARD, 0) == 0
    assert ledger.balance(owner).available_mc == 1_083


def test_covering_and_closing_again_change_nothing(owner: User) -> None:
    for _ in range(2):
        assert streams.cover(owner, "s1", SECONDS, 30_000) == 30_000
    assert ledger.balance(owner).held_mc == 500
    for received in (20_000, 30_000, 1_000):
        assert streams.close(owner, "s1", SECONDS, received) == 334
    assert ledger.balance(owner).available_mc == 1_083 - 334


def test_no_credits_cover_nothing_and_hold_nothing(bob: User, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    assert streams.cover(bob, "s1", STANDARD, 60_000) == 0
    assert not Reservation.objects.exists()


def test_slices_say_what_they_are_for(owner: User) -> None:
    streams.cover(owner, "s1", SECONDS, 60_000, Work("live", 7, "tr_live"))
    held = Reservation.objects.get()
    assert (held.reference, held.source, held.api_key_id, held.paid_for) == ("ws:s1:slice:0", "live", 7, "tr_live")


def test_what_a_lost_process_held_comes_back_and_a_living_stream_keeps_its_own(owner: User, clock: Clock) -> None:
    streams.cover(owner, "lost", SECONDS, 30_000)
    clock.advance(seconds=(streams.GIVE_UP + timedelta(seconds=1)).total_seconds())
    streams.cover(owner, "living", SECONDS, 30_000)
    streams.release_abandoned()
    assert ledger.balance(owner).held_mc == 500
    assert streams.close(owner, "lost", SECONDS, 30_000) == 0
    assert streams.close(owner, "living", SECONDS, 30_000) == 500


def test_a_stream_that_lasts_as_long_as_it_may_is_charged_from_its_first_slice(owner: User, clock: Clock) -> None:
    ledger.grant(owner, 1_000_000, actor="test", reason="a long day")
    for hour in range(1, 9):
        streams.cover(owner, "long", SECONDS, hour * 3_600_000)
        clock.advance(hours=1)
        streams.release_abandoned()
    assert streams.close(owner, "long", SECONDS, 8 * 3_600_000) == SECONDS.price_mc(8 * 3_600_000)


@given(
    tariff=st.sampled_from([tariff_of(dialect, speakers=True) for dialect in RULES]),
    credits_mc=st.integers(1, 5_000),
    steps=st.lists(st.integers(1, 90_000), min_size=1, max_size=6),
    unheard=st.integers(0, 60_000),
)
@run_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_heard_costs_its_price_and_never_more_than_there_is(
    alice: User, settings: Settings, tariff: Tariff, credits_mc: int, steps: list[int], unheard: int
) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    with transaction.atomic():
        ledger.grant(alice, credits_mc, actor="test", reason="property")
        covered = [streams.cover(alice, "s1", tariff, sum(steps[: n + 1])) for n in range(len(steps))][-1]
        received = max(0, min(covered, sum(steps)) - unheard)
        assert covered == min(tariff.billable_ms(sum(steps)), tariff.affordable_ms(credits_mc))
        assert streams.close(alice, "s1", tariff, received) == tariff.price_mc(received) <= credits_mc
        assert audit() == []
        transaction.set_rollback(True)
