import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import OpenToAll
from accounts.services.tariffs import tariff_of
from accounts.visit import visit_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api import models
from transcripts.api.dialects.base import DialectView, UploadView
from transcripts.api.dialects.openai import response, schemas, strict
from transcripts.api.dialects.openai.errors import Invalid, OpenAIRefusal
from transcripts.api.dialects.openai.request import OpenAIOrder, transcription, translation
from transcripts.api.meta import meta_of
from transcripts.api.openapi import KEY
from transcripts.api.sse import DONE, Event
from transcripts.api.transcribe import stream, transcribe
from transcripts.models import Transcript
from transcripts.services.follow import Piece
from transcripts.services.submit import Order
from transcripts.uploads.base64_file import decoded
from transcripts.uploads.received import Received, received

REFUSALS = dict.fromkeys((400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 507), schemas.ErrorBody)
TEXT = OpenApiResponse(OpenApiTypes.STR, "response_format text, srt or vtt.")
NO_SPEAKERS = (
    "This server cannot tell speakers apart: nothing for it is installed. Nothing was charged; ask for the "
    "response_format json."
)
EVENTS = OpenApiResponse(OpenApiTypes.STR, "stream=true: server-sent events, the last one `[DONE]`.")


class OpenAIView(DialectView):
    refusal = OpenAIRefusal()

    def finalize_response(self, request: Request, answer: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        finished = super().finalize_response(request, answer, *args, **kwargs)
        for name, value in _rate_headers(request._request).items():
            finished.headers[name] = value
        return finished


class Transcriptions(OpenAIView, UploadView):
    @extend_schema(
        operation_id="openai_create_transcription",
        summary="Transcribe, as OpenAI's clients ask for it",
        request={"multipart/form-data": schemas.TranscriptionForm},
        responses={
            (200, "application/json"): schemas.TranscriptionAnswer,
            (200, "text/plain"): TEXT,
            (200, "text/event-stream"): EVENTS,
            **REFUSALS,
        },
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        return _answered(request._request, got, transcription(got.fields))


class Translations(OpenAIView, UploadView):
    @extend_schema(
        operation_id="openai_create_translation",
        summary="Translate to English, as OpenAI's clients ask for it",
        request={"multipart/form-data": schemas.TranslationForm},
        responses={(200, "application/json"): schemas.TranscriptionAnswer, (200, "text/plain"): TEXT, **REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        return _answered(request._request, got, translation(got.fields))


class Model(OpenAIView):
    authentication_classes = (OpenToAll,)

    @extend_schema(
        operation_id="openai_retrieve_model",
        summary="One model, by its id or by a name of OpenAI's",
        responses={200: schemas.OpenAIModel, 404: schemas.ErrorBody},
        auth=[],
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(models.looked_up(model))


def _answered(request: HttpRequest, got: Received, order: OpenAIOrder) -> HttpResponseBase:
    upload, is_strict = got.recording(), settings.OPENAI_STRICT
    if order.diarize and selectors.engine_status().diarizer is None:
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, NO_SPEAKERS)
    if is_strict:
        strict.check_name(upload.filename)
    with _clips(got, order) as voices:
        job = Order(
            got.caller,
            upload,
            order.options,
            interactive=True,
            tariff=tariff_of("openai"),
            max_seconds=strict.MAX_SECONDS if is_strict and order.bills_tokens else None,
            voices=tuple((name, path) for name, path, _ in voices) if order.diarize else (),
        )
        # The gate's names for the clips differ from one sending to the next.
        fields = {
            name: values for name, values in got.fields.items() if not name.startswith("known_speaker_references")
        }
        asked = {"fields": fields, "sha256": upload.sha256, "voices": [sha256 for _, _, sha256 in voices]}
        if order.stream:
            return _streamed(request, got, order, job, asked)
        return transcribe(request, job, got.abandoned, asked, lambda finished: _whole(finished, order))


@contextlib.contextmanager
def _clips(got: Received, order: OpenAIOrder) -> Iterator[list[tuple[str, Path, str]]]:
    """Name, private file and hash of each known speaker's voice. What nobody took is deleted."""
    clips = []
    try:
        for name, reference in order.voices:
            clip = got.inline.get(reference)
            if clip is None:
                scheme, _, data = reference.partition(";base64,")
                if not scheme.startswith("data:"):
                    raise Invalid("known_speaker_references", "A reference is a data URL: data:audio/wav;base64,…")
                clip = decoded(data, "")
            clips.append((name, clip.path, clip.sha256))
        yield clips
    finally:
        for _, path, _ in clips:
            path.unlink(missing_ok=True)


def _whole(finished: Transcript, order: OpenAIOrder) -> HttpResponse:
    result = selectors.document(finished)
    if order.format in ("text", "srt", "vtt"):
        text = response.as_text(result, order, meta_of(finished))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    if order.format == "verbose_json":
        return Response(response.as_verbose_json(result, order, selectors.languages()))
    render = response.as_diarized_json if order.diarize else response.as_json
    return Response(render(result, order))


def _streamed(request: HttpRequest, got: Received, order: OpenAIOrder, job: Order, asked: Any) -> HttpResponseBase:
    def events(transcript: Transcript, pieces: Iterator[Piece]) -> Iterator[Event]:
        for number, piece in enumerate(pieces):
            delta: dict[str, Any] = {"type": "transcript.text.delta", "delta": piece.text}
            if order.logprobs:
                delta["logprobs"] = response.logprobs(piece.segments, begins=number == 0)
            yield delta
        result = selectors.document(transcript)
        if order.diarize:
            yield from response.speaker_segments(result)
        yield response.done(result, order)
        yield DONE

    return stream(request, job, got.abandoned, asked, events, OpenAIView.refusal.body)


def _rate_headers(request: HttpRequest) -> dict[str, str]:
    """Where the caller stands, in the names that OpenAI's clients read."""
    standing = visit_of(request).standing
    if standing is None:
        return {}
    return {
        "x-ratelimit-limit-requests": str(standing.bucket.quota),
        "x-ratelimit-remaining-requests": str(standing.remaining),
        "x-ratelimit-reset-requests": f"{standing.reset}s",
    }
