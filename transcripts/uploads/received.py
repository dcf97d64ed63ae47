import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from accounts.services import api_keys, limits
from accounts.services.access import Caller
from accounts.visit import visit_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services.submit import StoredUpload
from transcripts.uploads.admission import caller_of, is_paid
from transcripts.uploads.form import display_name
from transcripts.uploads.incoming import IncomingFile
from transcripts.uploads.policy import POLICIES

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
    """Raises the gate's refusal, with which the view answers in its own way, and INVALID_API_KEY for a key that was
    revoked while the body came in."""
    got = getattr(request, "scope", {}).get(SCOPE_KEY)
    if isinstance(got, ServiceError):
        raise got
    if not isinstance(got, Received):
        return _without_gate(request)
    if got.caller.api_key_id is not None and not api_keys.still_usable(got.caller.api_key_id):
        raise ServiceError(ErrorCode.INVALID_API_KEY)
    return got


def _without_gate(request: HttpRequest) -> Received:
    """Under a WSGI server, or Django's test client: the same checks, though Django has taken the body in already."""
    policy = POLICIES[request.path]
    files = (request.FILES.get(name) for name in policy.file_fields)
    sent = next((given for given in files if isinstance(given, UploadedFile)), None)
    caller = caller_of(request, policy)
    visit_of(request).enter(caller, policy.bucket)
    limits.check_before_body(caller, sent.size if sent else None, paid=is_paid(request, policy, caller))
    fields = {name: [str(value) for value in values] for name, values in request.POST.lists()}
    if sent is None:
        return Received(fields, None, caller)
    file = IncomingFile()
    try:
        for piece in sent.chunks():
            file.write(piece)
        digest = file.finish()
    except BaseException:
        file.discard()
        raise
    return Received(fields, StoredUpload(file.path, display_name(sent.name or ""), file.size, digest), caller)
