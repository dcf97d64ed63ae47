from dataclasses import dataclass
from typing import Literal

from accounts.services.rate_limits import Name

Credentials = Literal["key", "session"]


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """Who may send a file to an address, and in which form field.

    `key`: headers only, so that no foreign page can spend a signed-in reader's credits. `session`: the cookie only;
    the view behind it checks the CSRF token, which arrives in the form's fields. What costs no credits asks for none.
    """

    credentials: Credentials
    anonymous: bool = False
    file_fields: frozenset[str] = frozenset({"file"})
    bucket: Name = "work"
    costs_credits: bool = True


POLICIES = {
    "/v1/transcribe": UploadPolicy("key", anonymous=True),
    "/v1/enhance-audio": UploadPolicy("key", bucket="text", costs_credits=False),
    "/v1/tts": UploadPolicy("key", file_fields=frozenset({"reference"}), bucket="text", costs_credits=False),
    "/try/": UploadPolicy("session", anonymous=True),
    "/new/": UploadPolicy("session"),
}
"""Every address that takes a file in a form. The rest of the site takes small bodies only."""
