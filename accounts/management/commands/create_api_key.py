from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import ApiKey, User
from accounts.services import api_keys, ledger
from stt_site.lib.errors import ServiceError


class Command(BaseCommand):
    help = "Make an API key and print it, alone, on stdout. The account is made if there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--credits", default="0", help="grant this many, too; 1 credit is 1 minute of audio")
        parser.add_argument("--name", default="Command line")
        parser.add_argument("--test", action="store_true", help="a key whose short recordings cost nothing")
        parser.add_argument("--monthly-minutes", type=int, help="the most the key may spend in a UTC month")
        parser.add_argument("--scopes", nargs="+", choices=api_keys.SCOPES, default=list(api_keys.DEFAULT_SCOPES))

    def handle(self, *args: Any, **options: Any) -> None:
        amount_mc = _millicredits(options["credits"])
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        with transaction.atomic():
            user = User.objects.filter(email=email).first() or User.objects.create_user(email)
            try:
                _, plaintext = api_keys.create_key(
                    user,
                    options["name"],
                    options["scopes"],
                    mode=ApiKey.Mode.TEST if options["test"] else ApiKey.Mode.LIVE,
                    monthly_minutes=options["monthly_minutes"],
                )
            except ServiceError as error:
                raise CommandError(error.message) from error
            if amount_mc:
                ledger.grant(user, amount_mc, actor="command line", reason="create_api_key")
        self.stdout.write(plaintext)


def _millicredits(text: str) -> int:
    try:
        credits_given = Decimal(text)
    except InvalidOperation as error:
        raise CommandError(f"--credits {text} is not a number.") from error
    if not credits_given.is_finite() or not 0 <= credits_given <= 10**9:
        raise CommandError("--credits must be between 0 and 1,000,000,000.")
    return int(credits_given * ledger.MILLICREDITS)
