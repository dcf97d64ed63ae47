from accounts.models.api_key import ApiKey
from accounts.models.cache import CacheRow
from accounts.models.ledger import (
    Account,
    AccountKind,
    CreditLot,
    Entry,
    Reservation,
    ReservationLeg,
    Transfer,
)
from accounts.models.limits import ConcurrencySlot, DailyUse, RateCounter
from accounts.models.requests import IdempotentRequest, RequestLog, StreamToken
from accounts.models.user import User, UserManager

__all__ = [
    "Account",
    "AccountKind",
    "ApiKey",
    "CacheRow",
    "ConcurrencySlot",
    "CreditLot",
    "DailyUse",
    "Entry",
    "IdempotentRequest",
    "RateCounter",
    "RequestLog",
    "Reservation",
    "ReservationLeg",
    "StreamToken",
    "Transfer",
    "User",
    "UserManager",
]
