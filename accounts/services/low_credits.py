"""When minutes run out: what the pages say now, and what is mailed once a month."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from accounts.models import Account, AccountKind, CreditLot, Mail, User
from accounts.services import mails, months
from accounts.services.ledger import MILLICREDITS

LOW_PAID_MC = 60 * MILLICREDITS
LOW_FREE_SHARE = 5
"""A fifth of the month's free minutes is left: four fifths are used."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is held counts as left: a long file that runs is no reason for an alarm."""

    free_mc: int
    paid_mc: int

    @property
    def reached(self) -> Mail.Kind | None:
        monthly_mc = settings.FREE_MINUTES_PER_MONTH * MILLICREDITS
        if self.free_mc == 0 and self.paid_mc < LOW_PAID_MC and (self.paid_mc or not monthly_mc):
            return Mail.Kind.PAID_LOW
        if monthly_mc and self.free_mc == 0:
            return Mail.Kind.FREE_USED
        if monthly_mc and self.free_mc * LOW_FREE_SHARE <= monthly_mc:
            return Mail.Kind.FREE_LOW
        return None

    @property
    def is_urgent(self) -> bool:
        """Worth a line on every page: the paid minutes do not reach far either."""
        return self.reached is not None and self.paid_mc < LOW_PAID_MC


def left(owner: User) -> Left:
    living = CreditLot.objects.filter(owner_id=owner.pk).exclude(expires_at__lte=timezone.now())
    priorities = dict(living.values_list("pk", "priority"))
    accounts = Account.objects.filter(
        owner_id=owner.pk, kind__in=(AccountKind.AVAILABLE, AccountKind.HELD), lot_id__in=priorities
    )
    begun = CreditLot.FREE in priorities.values()
    sums = {CreditLot.FREE: 0 if begun else settings.FREE_MINUTES_PER_MONTH * MILLICREDITS, CreditLot.PAID: 0}
    for lot_id, balance in accounts.values_list("lot_id", "balance"):
        sums[priorities[lot_id]] += balance
    return Left(sums[CreditLot.FREE], sums[CreditLot.PAID])


def after_charge(owner: User) -> None:
    """Writes the mail for what the charge has reached, in the transaction that charges."""
    if not owner.mail_low_credits:
        return
    now_left, now = left(owner), timezone.now()
    if now_left.reached:
        mails.write(
            owner,
            now_left.reached,
            f"{now:%Y-%m}",
            minutes=(now_left.free_mc + now_left.paid_mc) // MILLICREDITS,
            renews=f"{months.end(now):%-d %B}",
            monthly=settings.FREE_MINUTES_PER_MONTH,
        )
