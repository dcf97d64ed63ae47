import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User


class Command(BaseCommand):
    help = "Make the first administrator and print the sign-in, once. Where there is an administrator, print nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        email = settings.ADMIN_EMAIL.lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"STT_ADMIN_EMAIL is {email!r}, which is not an e-mail address.") from error
        # The password exists nowhere else: only a committed account may be announced.
        with transaction.atomic():
            if User.objects.filter(is_superuser=True).exists():
                return
            if User.objects.filter(email=email).exists():
                # Anybody may have signed up with that address: being first must not make an administrator.
                raise CommandError(
                    f"{email} has an account that is not an administrator's. Set STT_ADMIN_EMAIL to another address, "
                    "or make one with `manage.py createsuperuser`."
                )
            password = secrets.token_urlsafe(12)
            user = User.objects.create_superuser(email, password)
            EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
        self.stdout.write(f"e-mail: {email}\npassword: {password}")
