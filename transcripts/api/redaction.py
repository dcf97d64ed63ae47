"""GET /api/v1/transcripts/:ref/audio/redacted/."""

from typing import Any, ClassVar

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from stt_site.lib.streaming import blocks
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.services import sound


class MaskQuery(serializers.Serializer[Any]):
    cover = serializers.ChoiceField(choices=["beep", "mute"], required=False, default="beep")


class RedactedAudio(AccountView):
    buckets: ClassVar = {"GET": "work"}

    @extend_schema(
        operation_id="get_redacted_audio",
        summary="The recording without what identifies a person",
        description="A copy, made while you wait and kept nowhere: a WAV of 24 kHz, mono, as long as the recording. "
        "Covered are the words that `redact` takes out of the text, with a quarter of a second around them; the header "
        "`X-Redacted-Stretches` says how many stretches that are. What the recogniser misheard is not found.",
        parameters=[MaskQuery],
        responses={
            (200, "audio/wav"): OpenApiResponse(OpenApiTypes.BINARY),
            **dict.fromkeys((409, 429, 503, 507), Error),
            **REFUSED,
        },
    )
    def get(self, request: Request, ref: str) -> HttpResponseBase:
        transcript = self.transcript(ref)
        cover = read(MaskQuery, request.query_params)["cover"]
        file, count = sound.mask(self.caller, transcript, cover)
        length = file.seek(0, 2)
        file.seek(0)
        headers = {
            "Content-Length": str(length),
            "Content-Disposition": f'attachment; filename="{transcript.public_id}-redacted.wav"',
            "Cache-Control": "private, no-store",
            "X-Redacted-Stretches": str(count),
        }
        return StreamingHttpResponse(blocks(request._request, file, length), content_type="audio/wav", headers=headers)
