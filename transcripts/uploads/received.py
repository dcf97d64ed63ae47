import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from accounts.services import api_keys, limits
from accounts.services.access import Caller
from accounts.visit import visit_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.incoming import IncomingFile
from transcripts.services.submit import StoredUpload
from transcripts.uploads.admission import caller_of, is_paid
from transcripts.uploads.form import display_name, one_recording
from transcripts.uploads.json_body import JsonBody, json_too_large
from transcripts.uploads.policy import POLICIES, UploadPolicy

SCOPE_KEY = "steno.upload"
PIECE = 64 * 1024
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Received:
    """What the gate took in. `abandoned` is set when the client hangs up; the file goes when the view is done with
    the request, unless a service moved it away."""

    fields: Mapping[str, list[str]]
    file: StoredUpload | None
    caller: Caller
    abandoned: threading.Event = field(default_factory=threading.Event)
    document: Any = None
    """Of a JSON body."""
    inline: Mapping[str, StoredUpload] = field(default_factory=dict)
    """The long base64 strings of `document` or `fields`, by the token that stands in their place."""
    content_type: str = ""
    """Of a body that is the file itself."""

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


def _json_without_gate(request: HttpRequest, policy: UploadPolicy, caller: Caller) -> Received:
    body = JsonBody(policy.json_bytes, partial(json_too_large, policy.json_bytes))
    try:
        while piece := request.read(PIECE):
            body.feed(piece)
        return Received({}, None, caller, document=body.close(), inline=body.inline)
    except BaseException:
        body.discard()
        raise


def _without_gate(request: HttpRequest) -> Received:
    """Under a WSGI server, or Django's test client: the same checks, though Django has taken the body in already."""
    policy = POLICIES[request.path]
    files = [given for name in policy.file_fields if isinstance(given := request.FILES.get(name), UploadedFile)]
    if len(files) > 1:
        raise one_recording()
    sent = files[0] if files else None
    caller = caller_of(request, policy)
    visit_of(request).enter(caller, policy.bucket)
    size, paid = sent.size if sent else None, is_paid(request, policy, caller)
    limits.check_before_body(caller, size, paid=paid, largest=policy.max_file_bytes)
    if policy.json_bytes and request.content_type == "application/json":
        return _json_without_gate(request, policy, caller)
    if request.content_type not in FORMS and policy.takes_raw(request.content_type or "") and _has_body(request):
        raw = _stored(iter(partial(request.read, PIECE), b""), "")
        return Received({}, raw, caller, content_type=request.content_type or "")
    fields = {name: [str(value) for value in values] for name, values in request.POST.lists()}
    return Received(fields, _stored(sent.chunks(), sent.name or "") if sent else None, caller)


def _has_body(request: HttpRequest) -> bool:
    return request.META.get("CONTENT_LENGTH", "0") not in ("", "0")


def _stored(pieces: Iterable[bytes], name: str) -> StoredUpload:
    file = IncomingFile()
    try:
        for piece in pieces:
            file.write(piece)
        return StoredUpload(file.path, display_name(name), file.size, file.finish())
    except BaseException:
        file.discard()
        raise
