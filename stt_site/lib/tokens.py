"""How secrets that we hand out look: `stt_<kind>_<id10>_<secret43>_<crc6>`, base62, so that a scanner can tell one
offline and a log line can be cleaned of it.

The secret carries 256 bits, so a keyed hash is enough at rest: there is nothing that a slow one could protect.
"""

import hashlib
import hmac
import re
import zlib
from typing import NamedTuple

from django.conf import settings

from stt_site.lib.ids import BASE62, new_id

ID_LENGTH = 10
SECRET_LENGTH = 43
# docs/api.md publishes it for secret scanners.
PATTERN = r"stt_(live|test|tmp)_([0-9A-Za-z]{10})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})"
TOKEN = re.compile(PATTERN, re.ASCII)
# What is mistyped is a secret too.
NEARLY = re.compile(r"stt_(live|test|tmp)_([0-9A-Za-z]{1,10})_[0-9A-Za-z_]{8,}", re.ASCII)


class Token(NamedTuple):
    """`kind` is live or test (API keys) or tmp (what opens one stream)."""

    kind: str
    id: str
    secret: str

    def __str__(self) -> str:
        body = f"stt_{self.kind}_{self.id}_{self.secret}"
        return f"{body}_{checksum(body)}"

    @property
    def hash(self) -> str:
        return keyed_hash(self.secret)


def new_token(kind: str, token_id: str | None = None) -> Token:
    return Token(kind, token_id or new_id(ID_LENGTH), new_id(SECRET_LENGTH))


def parse(text: str) -> Token | None:
    """None for what is no token, a mistyped one too. Asks no database."""
    match = TOKEN.fullmatch(text)
    if match is None:
        return None
    kind, token_id, secret, check = match.groups()
    body = f"stt_{kind}_{token_id}_{secret}"
    return Token(kind, token_id, secret) if hmac.compare_digest(check, checksum(body)) else None


def keyed_hash(secret: str) -> str:
    """How a secret of 256 bits is stored."""
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256).hexdigest()


def redacted(text: str) -> str:
    return NEARLY.sub(r"stt_\1_\2_…", text)


def checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
