from accounts.models.api_key import ApiKey
from accounts.models.billing import PaymentOrder, Reconciliation, StripeCustomer, StripeEvent, Subscription
from accounts.models.cache import CacheRow
from accounts.models.cloud import CloudInstance
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
from accounts.models.limits import ConcurrencySlot, DailyUse, RateCounter
from accounts.models.mail import Mail
from accounts.models.requests import IdempotentRequest, RequestLog, StreamToken
from accounts.models.user import User, UserManager

__all__ = [
    "Account",
    "AccountKind",
    "ApiKey",
    "CacheRow",
    "CloudInstance",
    "ConcurrencySlot",
    "CreditLot",
    "DailyUse",
    "Entry",
    "IdempotentRequest",
    "LedgerCheck",
    "Mail",
    "PaymentOrder",
    "RateCounter",
    "Reconciliation",
    "RequestLog",
    "Reservation",
    "ReservationLeg",
    "StreamToken",
    "StripeCustomer",
    "StripeEvent",
    "Subscription",
    "Transfer",
    "User",
    "UserManager",
]
