"""Resumable uploads at /api/uploads/: tus 1.0 with creation, expiration and termination (https://tus.io).

Raw ASGI, because a PATCH streams. What may be written where is for `services.uploads` to say; here are the protocol
and the bytes.
"""

import base64
import binascii
import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import http_date

from accounts.models import User
from accounts.services import limits
from accounts.services.access import Caller, client_ip, identify
from accounts.visit import SCOPE_KEY, Visit
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.incoming import as_refusal
from transcripts.models import Upload
from transcripts.services import uploads
from transcripts.uploads.admission import session_user
from transcripts.uploads.asgi import Inlet, Scope, Send, answer, closing, header, with_headers
from transcripts.uploads.body import Body, ClientGone
from transcripts.uploads.form import display_name
from transcripts.uploads.threads import in_database, in_thread

PREFIX = "/api/uploads/"
VERSION = "1.0.0"
PATCH_TYPE = "application/offset+octet-stream"
# Bytes between two notes of how much is safely on disk; what a crash can cost the sender.
NOTE_EVERY = 8 * 1024 * 1024
PROTOCOL = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
ABILITIES = {**PROTOCOL, "Tus-Version": VERSION, "Tus-Extension": "creation,expiration,termination"}


class ResumableUploads:
    def __init__(self) -> None:
        self._writers = ThreadPoolExecutor(8, thread_name_prefix="tus")

    async def __call__(self, scope: Scope, inlet: Inlet, send: Send) -> None:
        visit: Visit = scope[SCOPE_KEY]
        send = with_headers(send, lambda: visit.headers)
        try:
            await self._serve(scope, inlet, send)
        except ServiceError as error:
            await _refuse(error, error.status, inlet, send)

    async def _serve(self, scope: Scope, inlet: Inlet, send: Send) -> None:
        method = scope["method"]
        key = scope["path"].removeprefix(PREFIX).strip("/")
        if method == "OPTIONS":
            await answer(send, 204, headers=ABILITIES)
            return
        if method not in (("HEAD", "PATCH", "DELETE") if key else ("POST",)):
            raise ServiceError(ErrorCode.METHOD_NOT_ALLOWED)
        if header(scope, "tus-resumable") != VERSION:
            error = ServiceError(ErrorCode.INVALID_REQUEST, f"Send the header Tus-Resumable: {VERSION}.")
            await _refuse(error, 412, inlet, send)
            return
        caller, owner = await in_database(_caller_of, scope)
        if method == "POST":
            await self._create(scope, caller, owner, send)
        elif method == "HEAD":
            await answer(send, 200, headers=_state(await in_database(uploads.find, owner, key)))
        elif method == "DELETE":
            await in_database(uploads.terminate, owner, key)
            await answer(send, 204, headers=PROTOCOL)
        else:
            await self._append(scope, inlet, send, owner, key)

    async def _create(self, scope: Scope, caller: Caller, owner: User, send: Send) -> None:
        size = _number(scope, "upload-length")
        await in_database(limits.check_before_body, caller, size)
        upload = await in_database(uploads.create, owner, _filename(scope), size, caller.plan.max_file_bytes)
        await answer(send, 201, headers={**_state(upload), "Location": f"{PREFIX}{upload.key}"})

    async def _append(self, scope: Scope, inlet: Inlet, send: Send, owner: User, key: str) -> None:
        if (header(scope, "content-type") or "").split(";")[0].strip() != PATCH_TYPE:
            raise ServiceError(ErrorCode.UNSUPPORTED_CONTENT_TYPE, f"Send the bytes as {PATCH_TYPE}.")
        offset = _number(scope, "upload-offset")
        try:
            append = await in_database(uploads.begin_append, owner, key, offset)
        except ServiceError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
            # The offset fits, so it is the lock that is held.
            status = 423 if (await in_database(uploads.find, owner, key)).offset == offset else 409
            await _refuse(error, status, inlet, send)
            return
        try:
            reached = await self._receive_into(append, Body(inlet, append.size - offset, _past_the_end))
        except ClientGone:
            return
        finally:
            await in_database(uploads.end_append, append)
        await answer(send, 204, headers={**PROTOCOL, "Upload-Offset": str(reached)})

    async def _receive_into(self, append: uploads.Append, body: Body) -> int:
        """Every byte that came counts, also when the sender breaks off in the middle."""
        file = await in_thread(self._writers, AppendedFile, append)
        try:
            while (piece := await body.next()) is not None:
                await in_thread(self._writers, file.write, piece)
                if file.offset - file.noted >= NOTE_EVERY:
                    await in_database(file.note)
        finally:
            try:
                if file.offset > file.noted:
                    await in_database(file.note)
            finally:
                file.close()
        return file.offset


class AppendedFile:
    def __init__(self, append: uploads.Append) -> None:
        self._append = append
        self._file = os.open(append.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.offset = self.noted = append.offset

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                written = os.pwrite(self._file, view, self.offset)
            except OSError as error:
                raise as_refusal(error) from error
            self.offset += written
            view = view[written:]

    def note(self) -> None:
        """Put what came on disk, then say so. Raises CONFLICT when another request has taken over."""
        os.fsync(self._file)
        uploads.advance(self._append, self.offset)
        self.noted = self.offset

    def close(self) -> None:
        os.close(self._file)


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: object, reason: str) -> HttpResponse:
        raise ServiceError(ErrorCode.NOT_IN_PLAN, f"The page is too old to be trusted ({reason}). Reload it.")


def _caller_of(scope: Scope) -> tuple[Caller, User]:
    """A key, or the session of a signed-in reader with its CSRF token."""
    request = ASGIRequest(scope, BytesIO())
    authorization, x_api_key = request.headers.get("Authorization"), request.headers.get("X-Api-Key")
    by_key = bool(authorization or x_api_key)
    user = None if by_key else session_user(request)
    if user is not None:
        check = _CsrfCheck(lambda request: HttpResponse())
        check.process_request(request)
        check.process_view(request, lambda request: HttpResponse(), (), {})
    ip = client_ip(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For"))
    caller = identify(authorization=authorization, x_api_key=x_api_key, session_user=user, ip=ip)
    if caller.user is None:
        raise ServiceError(ErrorCode.NOT_SIGNED_IN)
    visit: Visit = scope[SCOPE_KEY]
    visit.enter(caller, "uploads")
    return caller, caller.user


async def _refuse(error: ServiceError, status: int, inlet: Inlet, send: Send) -> None:
    headers = dict(PROTOCOL)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    await answer(closing(send, inlet), status, {"error": error.message}, headers)


def _state(upload: Upload) -> dict[str, str]:
    return {
        **PROTOCOL,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.size),
        "Upload-Expires": http_date(upload.expires_at.timestamp()),
    }


def _number(scope: Scope, name: str) -> int:
    value = header(scope, name) or ""
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise ServiceError(ErrorCode.INVALID_REQUEST, f"The header {name.title()} must be a number of bytes.")
    return int(value)


def _filename(scope: Scope) -> str:
    """Upload-Metadata: comma-separated pairs of a key and its value in base64."""
    for pair in (header(scope, "upload-metadata") or "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return display_name(base64.b64decode(value, validate=True).decode("utf-8", "replace"))
            except binascii.Error:
                raise ServiceError(ErrorCode.INVALID_REQUEST, "Upload-Metadata is not base64.") from None
    return display_name("")


def _past_the_end() -> ServiceError:
    return ServiceError(ErrorCode.FILE_TOO_LARGE, "There are more bytes than the upload was announced with.")
