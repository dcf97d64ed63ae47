"""The minutes that a key may spend in a UTC month, together with the keys that it was rolled into."""

from django.db.models import Case, F, Sum, When
from django.utils import timezone

from accounts.models import ApiKey, Reservation
from accounts.services import ledger, months
from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError


def spent_mc(key: ApiKey) -> int:
    """Charged and held millicredits of this month. What was released is free."""
    relatives = ApiKey.objects.filter(user_id=key.user_id, family=key.family).values_list("pk", flat=True)
    month = Reservation.objects.filter(api_key_id__in=list(relatives), created_at__gte=months.start(timezone.now()))
    cost = Case(When(state=Reservation.State.HELD, then=F("amount_mc")), default=F("charged_mc"))
    return month.aggregate(total=Sum(cost))["total"] or 0


def left_mc(caller: Caller) -> int | None:
    """None where there is no cap. Negative when the last hold has passed it."""
    return left_of(caller.api_key_id) if caller.has_cap else None


def left_of(api_key_id: int | None) -> int | None:
    """The same for who knows the key only by its number."""
    key = ApiKey.objects.filter(pk=api_key_id).first() if api_key_id else None
    if key is None or key.monthly_minutes is None:
        return None
    return key.monthly_minutes * ledger.MILLICREDITS - spent_mc(key)


def require(caller: Caller) -> None:
    """Right after the hold, in its transaction: the hold took the owner's lock, so racers come here one by one, and
    whoever passes the cap takes its own hold back with the refusal."""
    left = left_mc(caller)
    if left is not None and left < 0:
        raise refusal()


def refusal() -> ServiceError:
    message = (
        "This API key has spent what it may spend in a month, or this recording would pass that. "
        "Nothing was charged; use another key."
    )
    return ServiceError(ErrorCode.KEY_CAP, message)
