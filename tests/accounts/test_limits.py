from datetime import UTC, date, datetime

import pytest
from pytest_django.fixtures import Settings

from accounts.models import ConcurrencySlot, DailyUse, User
from accounts.services import ledger, limits
from accounts.services.access import Caller, identify
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def caller_of(user: User | None, ip: str = "203.0.113.7") -> Caller:
    return identify(authorization=None, x_api_key=None, session_user=user, ip=ip)


def refusal_of(caller: Caller, size: int | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        limits.check_before_body(caller, size)
    return refusal.value


def counting_refusal(caller: Caller) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        limits.count_daily(caller)
    return refusal.value


def test_each_plan_has_its_largest_file(alice: User, bob: User) -> None:
    ledger.grant(bob, 1_000, actor="test", reason="test")
    for user, largest in ((None, 100_000_000), (alice, 500_000_000), (bob, 2_000_000_000)):
        limits.check_before_body(caller_of(user), largest)
        limits.check_before_body(caller_of(user), None)
        refusal = refusal_of(caller_of(user), largest + 1)
        assert refusal.code == ErrorCode.FILE_TOO_LARGE
        assert f"{largest // 1_000_000} MB" in refusal.message


def test_the_check_before_the_body_writes_nothing() -> None:
    limits.check_before_body(caller_of(None), 1)
    assert not DailyUse.objects.exists()


def test_three_a_day_without_an_account_then_wait_for_midnight(clock: Clock) -> None:
    clock.now = datetime(2026, 11, 21, 23, 0, 0, 500_000, tzinfo=UTC)
    caller = caller_of(None)
    for _ in range(3):
        limits.check_before_body(caller, 1)
        limits.count_daily(caller)
    for refused in (refusal_of(caller), counting_refusal(caller)):
        assert refused.code == ErrorCode.DAILY_LIMIT
        assert refused.retry_after == 3600
    limits.check_before_body(caller_of(None, "203.0.113.8"), 1)
    clock.advance(seconds=3600)
    limits.count_daily(caller)


def test_a_transcription_that_failed_gives_its_count_back(clock: Clock) -> None:
    caller = caller_of(None)
    for _ in range(3):
        limits.count_daily(caller)
    limits.uncount_daily(caller.key, date(2026, 11, 21))
    limits.count_daily(caller)
    for _ in range(5):
        limits.uncount_daily(caller.key, date(2026, 11, 21))
    assert DailyUse.objects.get().count == 0


def test_an_account_is_not_counted_by_the_day(alice: User) -> None:
    for _ in range(5):
        limits.count_daily(caller_of(alice))
    assert not DailyUse.objects.exists()


def test_no_credits_are_refused_before_the_body(alice: User, settings: Settings) -> None:
    settings.FREE_MINUTES_PER_MONTH = 0
    refusal = refusal_of(caller_of(alice), 1)
    assert refusal.code == ErrorCode.INSUFFICIENT_CREDITS
    assert refusal.message == "No credits remaining. Upgrade your plan."


def test_slots_are_as_many_as_the_plan_says(alice: User, bob: User) -> None:
    ledger.grant(bob, 1_000, actor="test", reason="test")
    for user, cap in ((None, 1), (alice, 2), (bob, 5)):
        caller = caller_of(user)
        for number in range(cap):
            limits.take_slot(caller, f"job:{caller.key}:{number}")
        with pytest.raises(ServiceError) as refusal:
            limits.take_slot(caller, f"job:{caller.key}:one more")
        assert refusal.value.code == ErrorCode.CONCURRENCY_LIMIT
        assert refusal.value.retry_after is not None
        limits.free_slot(f"job:{caller.key}:0")
        limits.take_slot(caller, f"job:{caller.key}:one more")


def test_taking_the_same_slot_again_takes_no_second(alice: User) -> None:
    for _ in range(3):
        limits.take_slot(caller_of(alice), "job:1")
    assert ConcurrencySlot.objects.count() == 1


def test_a_slot_frees_itself_after_a_minute_unless_renewed(alice: User, clock: Clock) -> None:
    caller = caller_of(alice)
    limits.take_slot(caller, "job:1")
    limits.take_slot(caller, "job:2")
    clock.advance(seconds=40)
    limits.renew_slot("job:1")
    clock.advance(seconds=20)
    limits.take_slot(caller, "job:3")
    with pytest.raises(ServiceError):
        limits.take_slot(caller, "job:4")
    assert set(ConcurrencySlot.objects.values_list("holder", flat=True)) == {"job:1", "job:3"}


def test_a_smaller_plan_counts_what_the_larger_one_started(alice: User) -> None:
    ledger.grant(alice, 1_000, actor="test", reason="test")
    for number in range(5):
        limits.take_slot(caller_of(alice), f"job:{number}")
    ledger.reserve(alice, "spent", 601_000)
    ledger.settle("spent", 601_000)
    for number in range(3):
        limits.free_slot(f"job:{number}")
    with pytest.raises(ServiceError):
        limits.take_slot(caller_of(alice), "job:5")


def test_what_limits_nobody_is_forgotten(alice: User, clock: Clock) -> None:
    limits.take_slot(caller_of(alice), "job:1")
    limits.count_daily(caller_of(None))
    clock.advance(minutes=30)
    limits.purge()
    assert (ConcurrencySlot.objects.count(), DailyUse.objects.count()) == (1, 1)
    clock.advance(days=2)
    limits.purge()
    assert (ConcurrencySlot.objects.count(), DailyUse.objects.count()) == (0, 0)
