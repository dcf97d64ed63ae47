from typing import Any, ClassVar, cast

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import CallerAuthentication, OpenToAll
from accounts.services import soundness, stream_tokens
from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api.dialects.base import DialectView, TranscriptionOrder, UploadView
from transcripts.api.dialects.stt_ai import schemas
from transcripts.api.dialects.stt_ai.errors import SttAiRefusal
from transcripts.api.dialects.stt_ai.request import parse
from transcripts.api.dialects.stt_ai.response import MEDIA_TYPES, as_file, as_json
from transcripts.api.meta import meta_of
from transcripts.api.models import listed
from transcripts.api.openapi import KEY_OR_NOBODY
from transcripts.api.schemas import Error
from transcripts.api.transcribe import transcribe
from transcripts.models import Transcript
from transcripts.services.submit import Order
from transcripts.uploads.received import received


class SttAiView(DialectView):
    refusal = SttAiRefusal()


class Transcribe(SttAiView, UploadView):
    @extend_schema(
        operation_id="transcribe",
        summary="Send a recording, wait for its transcript",
        request={"multipart/form-data": schemas.TranscribeForm},
        responses={
            200: schemas.TranscribeAnswer,
            **dict.fromkeys((400, 401, 402, 403, 409, 413, 415, 422, 429, 503, 507), Error),
        },
        auth=KEY_OR_NOBODY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponse:
        got = received(request._request)
        order, upload = parse(got.fields), got.recording()

        def answer(finished: Transcript) -> HttpResponse:
            return _answer(finished, order, got.caller.is_anonymous)

        asked = {"fields": dict(got.fields), "sha256": upload.sha256}
        job = Order(got.caller, upload, order.options, interactive=True)
        return transcribe(request._request, job, got.abandoned, asked, answer)


def _answer(finished: Transcript, order: TranscriptionOrder, is_anonymous: bool) -> HttpResponse:
    result = selectors.document(finished)
    if order.format == "json":
        return Response(as_json(result, order, None if is_anonymous else finished.public_id))
    return HttpResponse(as_file(result, order, meta_of(finished)), content_type=MEDIA_TYPES[order.format])


class StreamToken(SttAiView):
    authentication_classes = (CallerAuthentication,)
    permission_classes = (IsAuthenticated,)
    scopes: ClassVar = {"POST": "stream"}

    @extend_schema(
        operation_id="stream_token",
        summary="What opens one live stream, for a browser",
        description="It works once, within a minute.",
        request=schemas.StreamTokenRequest,
        responses={201: schemas.StreamTokenAnswer, **dict.fromkeys((400, 401, 403, 429), Error)},
    )
    def post(self, request: Request) -> Response:
        wish = schemas.StreamTokenRequest(data=request.data)
        wish.is_valid(raise_exception=True)
        row, token = stream_tokens.issue(cast(Caller, request.auth), wish.validated_data["max_seconds"])
        body = {"token": token, "expires_at": row.expires_at, "max_seconds": row.max_seconds}
        return Response(body, 201, headers={"Cache-Control": "no-store"})


class Models(SttAiView):
    authentication_classes = (OpenToAll,)

    @extend_schema(
        operation_id="list_models", summary="The models of this server", responses=schemas.ModelList, auth=[]
    )
    def get(self, request: Request) -> Response:
        """One object for both families of clients: `models` for STT.ai's, `data` for OpenAI's."""
        items = listed()
        return Response({"object": "list", "data": items, "models": items})


class Languages(SttAiView):
    authentication_classes = (OpenToAll,)

    @extend_schema(operation_id="list_languages", summary="The languages", responses=schemas.LanguageList, auth=[])
    def get(self, request: Request) -> Response:
        languages = selectors.languages_here()
        return Response({"languages": [{"code": code, "name": name} for code, name in languages.items()]})


class Health(SttAiView):
    authentication_classes = ()

    @extend_schema(
        operation_id="health",
        summary="Can this server transcribe?",
        responses={200: schemas.HealthAnswer, 503: OpenApiResponse(schemas.HealthAnswer, "No model can answer.")},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        ledger = soundness.state()
        body: dict[str, Any] = {
            "status": "degraded" if ledger == "broken" else "ok",
            "gpu_available": False,
            "gpu_name": None,
            "gpu_memory_mb": None,
            "ledger": ledger,
        }
        try:
            status = selectors.engine_status()
        except ServiceError as error:
            if error.code is ErrorCode.INTERNAL:
                raise
            return Response({**body, "status": "degraded", "error": error.message}, 503, headers={"Retry-After": "30"})
        return Response(
            {
                **body,
                "gpu_available": status.device == "cuda",
                "gpu_name": status.gpu_name,
                "gpu_memory_mb": status.gpu_memory_mb,
                "model": status.default_model,
                "embedded": status.embedded,
                "diarizer": status.diarizer,
                "text": {
                    "embedder": status.text.embedder,
                    "writer": status.text.writer,
                    "translator": status.text.translator,
                },
                "sandbox": status.sandbox,
                "queued": status.queued,
            }
        )
