from accounts.services import mails, stripe_events


def apply_stripe_event(pk: int) -> None:
    stripe_events.apply(pk)


def reconcile_stripe(pk: int) -> None:
    stripe_events.reconcile(pk)


def send_mail(pk: int) -> None:
    mails.send(pk)
