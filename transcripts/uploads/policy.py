from dataclasses import dataclass
from typing import Literal

Credentials = Literal["key", "session"]


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """Who may send a file to an address, and in which form field.

    `key`: headers only, so that no foreign page can spend a signed-in reader's credits. `session`: the cookie only;
    the view behind it checks the CSRF token, which arrives in the form's fields.
    """

    credentials: Credentials
    anonymous: bool = False
    file_fields: frozenset[str] = frozenset({"file"})


POLICIES = {
    "/v1/transcribe": UploadPolicy("key", anonymous=True),
    "/try/": UploadPolicy("session", anonymous=True),
    "/new/": UploadPolicy("session"),
}
"""Every address that takes a file in a form. The rest of the site takes small bodies only."""
