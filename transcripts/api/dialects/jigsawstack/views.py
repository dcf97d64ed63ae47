"""POST /v1/ai/transcribe: answered in the same call, as a stream of events, or later to a webhook."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services.access import Caller
from accounts.services.idempotency import Ticket
from accounts.services.tariffs import tariff_of
from accounts.visit import visit_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api.dialects.base import UploadView, request_id
from transcripts.api.dialects.jigsawstack import schemas, webhook
from transcripts.api.dialects.jigsawstack.jigsaw_view import JigsawView
from transcripts.api.dialects.jigsawstack.request import MAX_FILE_BYTES, Wish, parse, values_of
from transcripts.api.dialects.jigsawstack.response import of_row
from transcripts.api.dialects.jigsawstack.streaming import failed, stream_events
from transcripts.api.once import answer_once
from transcripts.api.openapi import KEY
from transcripts.api.transcribe import stream, transcribe
from transcripts.models import Transcript
from transcripts.services import earlier, files, insights, transcripts
from transcripts.services.fetch import fetch
from transcripts.services.submit import Order, StoredUpload, check, submit
from transcripts.services.webhooks import Callback
from transcripts.uploads.received import Received, received

LONGEST = timedelta(hours=4)


class Transcribe(JigsawView, UploadView):
    @extend_schema(
        operation_id="jigsawstack_transcribe",
        summary="Send a recording, or say where it is",
        request=schemas.TRANSCRIBE_BODIES,
        parameters=schemas.TRANSCRIBE_HEADERS,
        responses={200: schemas.JigsawTranscribeAnswer, **schemas.REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        values = values_of(got, request._request.GET.dict(), "POST /v1/ai/transcribe")
        wish = _possible(parse(values, has_file=got.file is not None))
        hook = webhook.callback(wish, values, request_id(request))
        visit_of(request._request).logged = request.headers.get("X-Jigsaw-No-Request-Log", "").lower() != "true"
        upload = _recording(got, wish)
        try:
            return _answer(Asked(request._request, got, wish, values, _order(got.caller, wish, upload, hook)))
        finally:
            # Whoever accepted it has moved it away.
            upload.path.unlink(missing_ok=True)


def _possible(wish: Wish) -> Wish:
    """With a translation by whoever can make it: the recogniser, else, where the answer is waited for, a translator."""
    try:
        check(wish.options)
    except ServiceError as refusal:
        later = wish.stream or wish.webhook_url or wish.word_timestamps
        missing = refusal.code == ErrorCode.MODEL_UNAVAILABLE and wish.options.task == "translate"
        if not missing or later or insights.translator() is None:
            raise
        wish = wish.as_heard
        check(wish.options)
    return wish


@dataclass(frozen=True, slots=True)
class Asked:
    request: HttpRequest
    got: Received
    wish: Wish
    values: dict[str, str]
    order: Order

    @property
    def fingerprint(self) -> dict[str, Any]:
        return {"values": self.values, "sha256": self.order.upload.sha256}


def _answer(asked: Asked) -> HttpResponseBase:
    request, got, wish, order = asked.request, asked.got, asked.wish, asked.order
    if order.webhook is not None:
        return _later(asked)
    if wish.stream:
        events = partial(stream_events, wish, request_id(request))
        return stream(request, order, got.abandoned, asked.fingerprint, events, failed)
    if (known := _earlier(request, got.caller, wish, order.upload)) is not None:
        visit_of(request).transcript_id, visit_of(request).charged_mc = known.pk, 0
        headers = {"Cache-Status": "Steno; hit", "X-Model": known.model}
        return Response(of_row(known, wish, request_id(request)), headers=headers)

    def answer(finished: Transcript) -> HttpResponse:
        try:
            body = of_row(finished, wish, request_id(request))
        except ServiceError:
            transcripts.withdraw(finished, "a transcript without the translation that it was for")
            raise
        earlier.remember(got.caller, order.upload.sha256, wish.options, finished.pk)
        return Response(body)

    return transcribe(request, order, got.abandoned, asked.fingerprint, answer)


def _later(asked: Asked) -> HttpResponseBase:
    def accept(ticket: Ticket | None) -> Transcript:
        return submit(replace(asked.order, ticket=ticket))

    def answer(transcript: Transcript, ticket: Ticket | None) -> HttpResponse:
        body = {"success": True, "status": "processing", "id": webhook.id_of(transcript)}
        return Response({**body, "log_id": request_id(asked.request)})

    return answer_once(asked.request, asked.got.caller, asked.fingerprint, accept, answer)


def _recording(got: Received, wish: Wish) -> StoredUpload:
    if got.file is not None:
        return got.file
    if wish.url:
        return fetch(wish.url, got.caller, max_bytes=MAX_FILE_BYTES, abandoned=got.abandoned)
    assert got.caller.user is not None
    return files.for_work(selectors.stored_file(got.caller.user, wish.file_store_key))


def _order(caller: Caller, wish: Wish, upload: StoredUpload, hook: Callback | None) -> Order:
    return Order(
        caller,
        upload,
        wish.options,
        interactive=hook is None,
        tariff=tariff_of("jigsawstack"),
        max_seconds=LONGEST.total_seconds(),
        webhook=hook,
    )


def _earlier(request: HttpRequest, caller: Caller, wish: Wish, upload: StoredUpload) -> Transcript | None:
    """What was answered to the same before. Whoever names a request wants its own work, or the answer by that name."""
    skips = request.headers.get("X-Jigsaw-Skip-Cache", "").lower() == "true"
    if skips or "Idempotency-Key" in request.headers:
        return None
    return earlier.find(caller, upload.sha256, wish.options)
