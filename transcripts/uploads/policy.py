from dataclasses import dataclass
from typing import Literal

from accounts.services.rate_limits import Name

Credentials = Literal["key", "session"]
UNTYPED = "application/octet-stream"
"""What a body without a Content-Type is."""


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
    max_file_bytes: int | None = None
    """The address's own limit, where it is below the plan's."""
    scope: str = "transcribe"
    """What a key must be allowed."""
    raw: tuple[str, ...] = ()
    """How a Content-Type begins whose body is the file itself, with the parameters in the address; `""` is any."""
    clip_fields: frozenset[str] = frozenset()
    """Text fields that may hold short recordings as data URLs."""
    json_bytes: int = 0
    """The longest string in a JSON body, such as audio in base64; 0: no JSON, a form only."""

    def takes_raw(self, content_type: str) -> bool:
        return (content_type or UNTYPED).startswith(self.raw)

    @property
    def encodings(self) -> str:
        """In words, for whoever sent something else."""
        forms = ["as multipart/form-data"]
        if self.json_bytes:
            forms.append("as application/json")
        if self.raw:
            forms.append("as the bytes of the file with its own type, such as audio/wav")
        return f"Send the request {' or '.join(forms)}."


POLICIES = {
    "/try/": UploadPolicy("session", anonymous=True),
    "/new/": UploadPolicy("session"),
}
"""Every address that takes a file, in a form, in JSON or as it is: these are pages; the registry of dialects adds
theirs. The rest of the site takes small bodies only."""
