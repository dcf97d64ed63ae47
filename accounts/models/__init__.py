from accounts.models.api_key import ApiKey
from accounts.models.ledger import (
    Account,
    AccountKind,
    CreditLot,
    Entry,
    LedgerCheck,
    Reservation,
    ReservationLeg,
    Transfer,
)
from accounts.models.limits import ConcurrencySlot, DailyUse
from accounts.models.user import User, UserManager

__all__ = [
    "Account",
    "AccountKind",
    "ApiKey",
    "ConcurrencySlot",
    "CreditLot",
    "DailyUse",
    "Entry",
    "LedgerCheck",
    "Reservation",
    "ReservationLeg",
    "Transfer",
    "User",
    "UserManager",
]
