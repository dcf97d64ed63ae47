from accounts.models.api_key import ApiKey
from accounts.models.billing import PaymentOrder, Reconciliation, StripeCustomer, StripeEvent, Subscription
from accounts.models.ledger import (
    Account,
    AccountKind,
    CreditLot,
    Entry,
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
    "PaymentOrder",
    "Reconciliation",
    "Reservation",
    "ReservationLeg",
    "StripeCustomer",
    "StripeEvent",
    "Subscription",
    "Transfer",
    "User",
    "UserManager",
]
