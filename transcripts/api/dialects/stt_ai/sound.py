"""POST /v1/enhance-audio and POST /v1/tts: a WAV for an answer."""

import time
from typing import IO

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.streaming import blocks
from transcripts.api.dialects.base import UploadView
from transcripts.api.dialects.stt_ai import schemas
from transcripts.api.dialects.stt_ai.views import SttAiView
from transcripts.api.fields import boolean
from transcripts.api.openapi import KEY
from transcripts.api.schemas import Error
from transcripts.services import sound
from transcripts.uploads.received import received

WAV = "audio/wav"
REFUSALS = dict.fromkeys((400, 401, 413, 415, 429, 503, 507), Error)
NO_REFERENCE = "No voice was sent: put a recording of 3 to 10 seconds in the form field `reference`."
CONSENT = (
    "Send consent=true when the person whose voice the reference holds has agreed to have it cloned. "
    "Nothing was made or charged."
)


class EnhanceAudio(SttAiView, UploadView):
    @extend_schema(
        operation_id="enhance_audio",
        summary="A recording with less noise, at a usual loudness",
        request={"multipart/form-data": schemas.EnhanceForm},
        responses={
            (200, WAV): OpenApiResponse(OpenApiTypes.BINARY, "16 bits, mono, as long as the input."),
            **REFUSALS,
        },
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        file, _ = sound.enhance(got.caller, got.recording(), got.abandoned)
        return _wav(request, file)


class Tts(SttAiView, UploadView):
    @extend_schema(
        operation_id="tts",
        summary="A text in the voice of a short recording",
        request={"multipart/form-data": schemas.TtsForm},
        responses={(200, WAV): OpenApiResponse(OpenApiTypes.BINARY, "Marked as a synthetic voice."), **REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        text = sound.checked_text(got.value("text"))
        if not boolean("consent", got.value("consent"), default=False):
            raise ServiceError(ErrorCode.INVALID_REQUEST, CONSENT)
        if got.file is None:
            raise ServiceError(ErrorCode.MISSING_FILE, NO_REFERENCE)
        began = time.monotonic()
        file, spoken = sound.speak(got.caller, got.file, text, got.abandoned)
        response = _wav(request, file)
        response.headers["X-Duration"] = f"{spoken.duration:.3f}"
        response.headers["X-Generation-Time"] = f"{time.monotonic() - began:.3f}"
        return response


def _wav(request: Request, file: IO[bytes]) -> HttpResponseBase:
    length = file.seek(0, 2)
    file.seek(0)
    headers = {"Content-Length": str(length), "Cache-Control": "no-store"}
    return StreamingHttpResponse(blocks(request._request, file, length), content_type=WAV, headers=headers)
