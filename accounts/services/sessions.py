from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone


def purge() -> None:
    """Forgets sessions that are over, and the devices and addresses that they were used from."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    living = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.exclude(Exists(living)).delete()
