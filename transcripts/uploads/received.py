import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest

from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services.submit import StoredUpload

SCOPE_KEY = "steno.upload"


@dataclass(frozen=True)
class Received:
    """What the gate took in. `abandoned` is set when the client hangs up; the file goes when the view is done with
    the request, unless a service moved it away."""

    fields: Mapping[str, list[str]]
    file: StoredUpload | None
    caller: Caller
    abandoned: threading.Event = field(default_factory=threading.Event)

    def value(self, name: str) -> str:
        """The last value of a text field, '' when it is absent."""
        return self.fields.get(name, [""])[-1]

    def recording(self) -> StoredUpload:
        if self.file is None:
            raise ServiceError(ErrorCode.MISSING_FILE)
        return self.file


def received(request: HttpRequest) -> Received:
    """Raises the gate's refusal, with which the view answers in its own way."""
    scope = getattr(request, "scope", {})
    got = scope.get(SCOPE_KEY)
    if isinstance(got, Received):
        return got
    if isinstance(got, ServiceError):
        raise got
    raise RuntimeError(f"{request.path} takes files but has no upload policy: see transcripts/uploads/policy.py.")
