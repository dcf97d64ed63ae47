"""Plans as data. Sizes are decimal megabytes; minutes are of audio."""

from dataclasses import dataclass

from django.conf import settings

from accounts import stripe_gateway
from accounts.models import Subscription, User
from accounts.services import ledger

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Plan:
    id: str
    name: str
    max_file_bytes: int
    concurrent: int
    monthly_minutes: int | None
    daily_transcriptions: int | None


def anonymous() -> Plan:
    return Plan("anonymous", "No account", 100 * MEGABYTE, 1, None, settings.ANONYMOUS_PER_DAY)


def free() -> Plan:
    return Plan("free", "Free", 500 * MEGABYTE, 2, settings.FREE_MINUTES_PER_MONTH, None)


def paid() -> Plan:
    return Plan("paid", "Paid", 2000 * MEGABYTE, 5, settings.FREE_MINUTES_PER_MONTH, None)


def plan_of(user: User | None) -> Plan:
    """A user is on the paid plan while credits that do not come with the month are left or held, and, whatever is
    left, while a subscription is paid."""
    if user is None:
        return anonymous()
    return paid() if ledger.has_paid_credits(user) or _subscribes(user) else free()


def _subscribes(user: User) -> bool:
    if not stripe_gateway.enabled():
        return False
    active = Subscription.objects.filter(owner_id=user.pk, status__in=Subscription.ACTIVE)
    return active.filter(livemode=stripe_gateway.livemode()).exists()
