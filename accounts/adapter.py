import base64
import hashlib
import logging
from smtplib import SMTPException
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.services import patience
from accounts.services.access import client_ip
from stt_site.lib.errors import ErrorCode, ServiceError

logger = logging.getLogger(__name__)
NO_ADDRESS = "0.0.0.0"
"""Of a client on a Unix socket whose proxy does not say who it was."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_taken": "This address has an account already. Sign in, or reset its password.",
        "email_password_mismatch": "That e-mail address and password do not belong together.",
        "incorrect_password": "That is not your password.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """What sign-in attempts are counted by: believes only the proxies that the API believes."""
        ip = client_ip(request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR"))
        return ip or NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            key = self._get_login_attempts_cache_key(request, **credentials)
            wait = patience.in_words(patience.seconds_left(request, "login_failed", key))
            raise ValidationError(f"Too many wrong passwords. Try again in {wait}.", code=error.code) from error

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Links lead to SITE_URL. The request's Host header is anybody's to write, and whoever follows the link of a
        reset to another host gives the account away there."""
        links = {name: _on_this_site(url) for name, url in context.items() if name.endswith("_url")}
        site = SimpleNamespace(name=settings.PRODUCT_NAME, domain=urlsplit(settings.SITE_URL).netloc)
        try:
            super().send_mail(template_prefix, email, {**context, **links, "current_site": site})
        except (SMTPException, OSError) as error:
            logger.exception("The mail server did not take %s.", template_prefix)
            raise ServiceError(ErrorCode.MAIL_UNAVAILABLE) from error

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """What it tells of has happened; a mail server that is down does not undo it."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except ServiceError:
            logger.warning("Nobody was told of %s.", args[0])


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of authenticator apps so that a copy of the database alone makes no codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That code is not right. Each works once and for half a minute: wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            message = "This server has lost the key to your second step. Its administrator can switch the step off."
            raise ServiceError(ErrorCode.INTERNAL, message) from error


def _box() -> Fernet:
    digest = hashlib.sha256(f"second factor:{settings.API_KEY_PEPPER}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def _on_this_site(url: str) -> str:
    return urljoin(settings.SITE_URL, urlsplit(url)._replace(scheme="", netloc="").geturl())
