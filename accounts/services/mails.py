"""Mails that tell of something: written down with it, sent by a worker, tried again while the mail server is down."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import Mail, User
from accounts.services import profile
from stt_site.lib import queue

logger = logging.getLogger(__name__)
SEND = "accounts.tasks.send_mail"
WANTED_BY = {Mail.Kind.TRANSCRIPT_READY: "mail_transcript_ready", Mail.Kind.WEBHOOK_FAILED: "is_active"}
"""The preference that each kind honours; the others, that for low credits. Whoever set a webhook up wants to hear that
it is lost."""
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=2)
"""Doubled with each attempt: the last is made four hours after the first."""
SENDING = timedelta(minutes=5)
"""How long a worker may take; after that another tries."""
BATCH = 100
KEPT = timedelta(days=90)
"""Until one about the same matter, such as a month, cannot be written again."""


def write(user: User, kind: Mail.Kind, about: str, **context: Any) -> None:
    """Once for each user, kind and matter. It joins the caller's transaction."""
    if not _wanted(user, kind):
        return
    with transaction.atomic():
        mail, new = Mail.objects.get_or_create(
            user=user, kind=kind, about=about, defaults={"context": context, "next_at": timezone.now()}
        )
        if new:
            queue.ring(SEND, mail.pk)


def send(pk: int) -> None:
    """Only if it is due and nobody else sends it: a mail may come late, but not twice while servers behave."""
    now = timezone.now()
    claimed = Mail.objects.filter(pk=pk, next_at__lte=now).update(next_at=now + SENDING)
    mail = Mail.objects.select_related("user").filter(pk=pk).first() if claimed else None
    if mail is None:
        return
    if not _wanted(mail.user, Mail.Kind(mail.kind)):
        Mail.objects.filter(pk=pk).update(next_at=None)
        return
    try:
        _message(mail).send()
    except OSError as error:  # SMTPException is one
        attempts = mail.attempts + 1
        again = now + FIRST_PAUSE * 2**mail.attempts if attempts < MOST_ATTEMPTS else None
        Mail.objects.filter(pk=pk).update(attempts=attempts, next_at=again)
        logger.warning("Mail %d could not be sent (%s); %s.", pk, error, "it is tried again" if again else "given up")
        return
    Mail.objects.filter(pk=pk).update(sent_at=timezone.now(), next_at=None)


def ring_waiting() -> None:
    """A step of the sweeper: what is due and has no message on its way."""
    due = Mail.objects.filter(next_at__lte=timezone.now()).order_by("pk").values_list("pk", flat=True)[:BATCH]
    if late := list(due):
        on_their_way = queue.pending(SEND)
        for pk in late:
            if pk not in on_their_way:
                queue.ring(SEND, pk)


def forget(user: User, kind: Mail.Kind, about: str) -> None:
    """What it would tell of is deleted."""
    Mail.objects.filter(user=user, kind=kind, about=about).delete()


def purge() -> None:
    """Forgets those that were sent or given up long ago."""
    Mail.objects.filter(next_at=None, created_at__lt=timezone.now() - KEPT).delete()


def _wanted(user: User, kind: Mail.Kind) -> bool:
    """An address that nobody has confirmed may be somebody else's."""
    asked_for = getattr(user, WANTED_BY.get(kind, "mail_low_credits"))
    return bool(asked_for) and user.is_active and not (settings.EMAIL_HOST and profile.unconfirmed(user))


def _message(mail: Mail) -> EmailMessage:
    site = {"product": settings.PRODUCT_NAME, "site_url": settings.SITE_URL, "user": mail.user}
    parts = (render_to_string(f"mail/{mail.kind}_{part}.txt", mail.context | site) for part in ("subject", "message"))
    subject, body = parts
    return EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[mail.user.email])
