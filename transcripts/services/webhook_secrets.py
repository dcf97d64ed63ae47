"""Secrets of webhooks, kept so that a copy of the database alone signs nothing."""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError

PREFIX = "whsec_"
BYTES = 32


def new() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def sealed(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def opened(text: str) -> str:
    """Raises INTERNAL where the server has lost the key that they were sealed with."""
    try:
        return _box().decrypt(text.encode()).decode()
    except InvalidToken as error:
        message = "This server has lost the key to the webhook's secret. Roll the secret to get a new one."
        raise ServiceError(ErrorCode.INTERNAL, message) from error


def _box() -> Fernet:
    digest = hashlib.sha256(f"webhook secrets:{settings.API_KEY_PEPPER}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
