"""The ASGI application in front of Django: no body reaches Django that could hurt.

Django spools a whole body before any view runs, whoever sends it. Here the caller and the declared size are checked
with only the headers in hand, the file streams to a private place on disk, and Django is then called with the text
fields as a small form. What was received, or the refusal, travels in the scope: `received.received` gives it to the
view, which answers in the shape of its own API.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from python_multipart.multipart import parse_options_header

from accounts.services import limits
from accounts.services.access import Caller
from accounts.visit import SCOPE_KEY as VISIT
from accounts.visit import Visit
from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from transcripts import engine_gateway
from transcripts.incoming import IncomingFile
from transcripts.services.submit import StoredUpload
from transcripts.uploads import admission
from transcripts.uploads.asgi import (
    App,
    Inlet,
    InletApp,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    closing,
    has_body,
    header,
    normalised,
)
from transcripts.uploads.asgi import with_request_id as stamped
from transcripts.uploads.body import Body, ClientGone
from transcripts.uploads.form import MAX_CLIP_BYTES, MAX_CLIPS, OVERHEAD_BYTES, Form, display_name, malformed
from transcripts.uploads.json_body import MAX_TEXT_BYTES, JsonBody, json_too_large
from transcripts.uploads.policy import UploadPolicy
from transcripts.uploads.received import SCOPE_KEY, Received
from transcripts.uploads.threads import in_database, in_thread

log = logging.getLogger(__name__)

Encoding = Literal["none", "form", "json", "raw"]
MAX_PLAIN_BODY = 2_621_440
"""Bytes; what Django itself calls the most that a request without a file may hold."""


class Gate:
    def __init__(self, django: App, policies: Mapping[str, UploadPolicy], resumable: InletApp) -> None:
        self._django = django
        self._policies = policies
        self._resumable = resumable
        self._crowd = admission.Crowd()
        self._writers = ThreadPoolExecutor(8, thread_name_prefix="upload")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("This application needs no lifespan events.")
        scope = {**normalised(scope), VISIT: Visit()}
        if scope["type"] != "http":
            await self._django(scope, receive, send)
        else:
            await self._guarded(scope, Inlet(receive, scope), stamped(send, scope["steno.request_id"]))

    async def _guarded(self, scope: Scope, inlet: Inlet, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._route(scope, inlet, watched)
        except ClientGone:
            return
        except Exception:
            log.exception("request %s to %s failed", scope["steno.request_id"], scope["path"])
            if started:
                raise
            sentence = f"{MEANINGS[ErrorCode.INTERNAL].message} The request was {scope['steno.request_id']}."
            await answer(send, 500, {"error": sentence}, {"connection": "close"})

    async def _route(self, scope: Scope, inlet: Inlet, send: Send) -> None:
        policy = self._policies.get(scope["path"])
        if policy and scope["method"] == "POST":
            await self._upload(policy, scope, inlet, send)
        elif scope["path"].startswith("/api/uploads/"):
            await self._resumable(scope, inlet, send)
        else:
            await self._plain(scope, inlet, send)

    async def _upload(self, policy: UploadPolicy, scope: Scope, inlet: Inlet, send: Send) -> None:
        abandoned = threading.Event()
        try:
            got = await self._take_in(policy, scope, inlet, abandoned)
        except ServiceError as refusal:
            await self._refuse(refusal, scope, inlet, send)
            return
        watch = asyncio.create_task(_watch(inlet, abandoned))
        try:
            body = urlencode(got.fields, doseq=True).encode()
            await self._django(_with_form({**scope, SCOPE_KEY: got}, body), _replayed(body), send)
        finally:
            watch.cancel()
            # Whoever accepted the recording has moved it away; otherwise nobody did.
            for file in (got.file, *got.inline.values()):
                if file:
                    file.path.unlink(missing_ok=True)

    async def _refuse(self, refusal: ServiceError, scope: Scope, inlet: Inlet, send: Send) -> None:
        send = closing(send, inlet)
        await self._django(_with_form({**scope, SCOPE_KEY: refusal}, b""), _replayed(b""), send)

    async def _take_in(self, policy: UploadPolicy, scope: Scope, inlet: Inlet, abandoned: threading.Event) -> Received:
        declared = _declared_length(scope)
        encoding, boundary = _encoding(scope, policy)
        overhead = 0 if encoding == "raw" else _overhead(policy)
        caller = await in_database(admission.admit, scope, policy, declared, overhead)
        if encoding == "none":
            return Received({}, None, caller, abandoned)
        with self._crowd.join(caller, declared):
            if encoding == "json":
                return await self._stream_json(policy, declared, caller, inlet, abandoned)
            if encoding == "raw":
                taken = await self._stream_raw(policy, caller, inlet)
                return Received({}, taken, caller, abandoned, content_type=header(scope, "content-type") or "")
            return await self._stream(policy, boundary, caller, inlet, abandoned)

    async def _stream(
        self, policy: UploadPolicy, boundary: bytes, caller: Caller, inlet: Inlet, abandoned: threading.Event
    ) -> Received:
        def too_large() -> ServiceError:
            return limits.file_too_large(caller, policy.max_file_bytes)

        limit = limits.max_file_bytes(caller, policy.max_file_bytes)
        form = Form(boundary, policy.file_fields, limit, too_large, policy.clip_fields)
        body = Body(inlet, limit + _overhead(policy), too_large)
        try:
            while (piece := await body.next()) is not None:
                # One piece at a time: while the disk is busy nothing is read, and the sender feels it.
                await in_thread(self._writers, form.feed, piece)
            form.close()
            file = await in_thread(self._writers, _stored, form, policy)
        except BaseException:
            await in_thread(self._writers, form.discard)
            raise
        return Received(form.fields, file, caller, abandoned, inline=form.clips)

    async def _stream_json(
        self, policy: UploadPolicy, declared: int | None, caller: Caller, inlet: Inlet, abandoned: threading.Event
    ) -> Received:
        too_large = partial(json_too_large, policy.json_bytes)
        most = policy.json_bytes + MAX_TEXT_BYTES
        if (declared or 0) > most:
            raise too_large()
        document = JsonBody(policy.json_bytes, too_large)
        body = Body(inlet, most, too_large)
        try:
            while (piece := await body.next()) is not None:
                await in_thread(self._writers, document.feed, piece)
            parsed = await in_thread(self._writers, document.close)
        except BaseException:
            await in_thread(self._writers, document.discard)
            raise
        return Received({}, None, caller, abandoned, parsed, document.inline)

    async def _stream_raw(self, policy: UploadPolicy, caller: Caller, inlet: Inlet) -> StoredUpload:
        def too_large() -> ServiceError:
            return limits.file_too_large(caller, policy.max_file_bytes)

        body = Body(inlet, limits.max_file_bytes(caller, policy.max_file_bytes), too_large)
        file = await in_thread(self._writers, IncomingFile)
        try:
            while (piece := await body.next()) is not None:
                await in_thread(self._writers, file.write, piece)
            sha256 = await in_thread(self._writers, file.finish)
        except BaseException:
            await in_thread(self._writers, file.discard)
            raise
        return StoredUpload(file.path, display_name(""), file.size, sha256)

    async def _plain(self, scope: Scope, inlet: Inlet, send: Send) -> None:
        try:
            declared = _declared_length(scope)
            source: Receive = inlet
            if declared is None and has_body(scope):
                source = _replayed(await _collected(inlet), inlet)
            elif (declared or 0) > MAX_PLAIN_BODY:
                raise _too_long()
        except ServiceError as refusal:
            await self._refuse(refusal, scope, inlet, send)
            return
        await self._django(scope, source, send)


def _overhead(policy: UploadPolicy) -> int:
    return OVERHEAD_BYTES + (MAX_CLIPS * MAX_CLIP_BYTES if policy.clip_fields else 0)


def _too_long() -> ServiceError:
    return ServiceError(
        ErrorCode.FILE_TOO_LARGE, f"The body is larger than {MAX_PLAIN_BODY} bytes, the most that this address takes."
    )


async def _collected(receive: Receive) -> bytes:
    body = Body(receive, MAX_PLAIN_BODY, _too_long)
    pieces = []
    while (piece := await body.next()) is not None:
        pieces.append(piece)
    return b"".join(pieces)


async def _watch(receive: Receive, abandoned: threading.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    abandoned.set()


def _replayed(body: bytes, after: Receive | None = None) -> Receive:
    """A body that is already here. Without `after` Django is not told of a disconnect: it would cancel the view,
    which has to end its own work and watches `abandoned` for that."""
    told = False

    async def receive() -> Message:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": body, "more_body": False}
        if after is not None:
            return await after()
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never

    return receive


def _with_form(scope: Scope, body: bytes) -> Scope:
    dropped = (b"content-type", b"content-length", b"transfer-encoding", b"expect")
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    headers += [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", str(len(body)).encode())]
    return {**scope, "headers": headers}


def _declared_length(scope: Scope) -> int | None:
    value = header(scope, "content-length")
    if value is None or header(scope, "transfer-encoding") is not None:
        return None
    if not value.isascii() or not value.isdigit():
        raise ServiceError(ErrorCode.INVALID_REQUEST, "Content-Length is not a number.")
    return int(value)


def _encoding(scope: Scope, policy: UploadPolicy) -> tuple[Encoding, bytes]:
    """With a form's boundary. Raises UNSUPPORTED_CONTENT_TYPE or INVALID_REQUEST."""
    if not has_body(scope):
        return "none", b""
    kind, parameters = parse_options_header(header(scope, "content-type"))
    if kind == b"multipart/form-data":
        if not parameters.get(b"boundary"):
            raise malformed("it names no boundary")
        return "form", parameters[b"boundary"]
    if kind == b"application/json" and policy.json_bytes:
        return "json", b""
    if policy.takes_raw(kind.decode("latin-1")):
        return "raw", b""
    raise ServiceError(ErrorCode.UNSUPPORTED_CONTENT_TYPE, policy.encodings)


def _stored(form: Form, policy: UploadPolicy) -> StoredUpload | None:
    if form.file is None:
        return None
    path, sha256 = form.file.path, form.file.finish()
    probing = engine_gateway.beside(lambda: engine_gateway.probe(path)) if policy.costs_credits else None
    return StoredUpload(path, form.filename, form.file.size, sha256, probing=probing)
