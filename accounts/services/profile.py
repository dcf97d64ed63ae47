from typing import TypedDict, Unpack

from accounts.models import User


class Changes(TypedDict, total=False):
    name: str
    mail_product_updates: bool
    mail_transcript_ready: bool
    mail_low_credits: bool


def change(user: User, **changes: Unpack[Changes]) -> None:
    """Writes these columns and no others: another request may be writing its own."""
    if changes:
        User.objects.filter(pk=user.pk).update(**changes)
        user.refresh_from_db()
