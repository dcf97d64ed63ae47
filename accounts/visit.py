"""What is learned of a request on its way, for the headers of its answer and for its line in the log."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.services import rate_limits
from accounts.services.access import Caller
from accounts.services.rate_limits import Name, Standing

SCOPE_KEY = "steno.visit"


@dataclass(slots=True)
class Visit:
    caller: Caller | None = None
    standing: Standing | None = None
    transcript_id: int | None = None
    charged_mc: int | None = None
    logged: bool = True
    """Whether the request leaves a line in its account's log."""
    ended_with: int | None = None
    """The status of what broke an answer off that had begun well."""

    def enter(self, caller: Caller, bucket: Name) -> None:
        """Counts the request. Raises RATE_LIMIT, after which the answer still says where the caller stands."""
        self.caller = caller
        self.standing = rate_limits.take(caller, bucket)
        if self.standing is not None:
            self.standing.require()

    @property
    def headers(self) -> dict[str, str]:
        headers = self.standing.headers if self.standing else {}
        if self.caller is not None and self.caller.is_test:
            headers["X-Key-Mode"] = "test"
        return headers


def visit_of(request: HttpRequest) -> Visit:
    """The gate began it in the ASGI scope; where there is none, it begins here."""
    known: Any = getattr(request, "steno_visit", None) or getattr(request, "scope", {}).get(SCOPE_KEY)
    visit = known if isinstance(known, Visit) else Visit()
    request.steno_visit = visit  # type: ignore[attr-defined]
    return visit
