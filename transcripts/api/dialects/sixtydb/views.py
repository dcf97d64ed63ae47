import time
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import OpenToAll
from accounts.services.access import Caller
from accounts.services.tariffs import tariff_of
from engine.types import Notice
from transcripts import selectors
from transcripts.api.dialects.base import DialectView, UploadView, request_id
from transcripts.api.dialects.sixtydb import schemas
from transcripts.api.dialects.sixtydb.errors import SixtyDbRefusal
from transcripts.api.dialects.sixtydb.languages import AUTO, LANGUAGES
from transcripts.api.dialects.sixtydb.request import SixtyDbOrder, parse
from transcripts.api.dialects.sixtydb.response import as_json
from transcripts.api.openapi import KEY
from transcripts.api.transcribe import transcribe
from transcripts.models import Transcript
from transcripts.services.submit import Order
from transcripts.uploads.received import received

MODEL = "60db-stt-v01"
MAX_SECONDS = 3600.0
FEATURES = ("diarization", "word_timestamps", "word_confidence", "keywords", "language_detection", "code_switching")
REFUSALS = dict.fromkeys((400, 401, 402, 403, 409, 413, 415, 422, 429, 503), schemas.Refused)
NOT_REFINED = "llm_refinement_not_in_plan"


class SixtyDbView(DialectView):
    refusal = SixtyDbRefusal()


class Stt(SixtyDbView, UploadView):
    @extend_schema(
        operation_id="sixtydb_stt",
        summary="60db: send a recording, wait for its transcript",
        request={"multipart/form-data": schemas.SttForm},
        responses={200: schemas.SttAnswer, **REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponse:
        began = time.monotonic()
        got = received(request._request)
        upload = got.recording()
        order, notices = _in_plan(parse(got.fields), got.caller)

        def answer(finished: Transcript) -> HttpResponse:
            result, seconds = selectors.document(finished), time.monotonic() - began
            return Response(as_json(result, order, request_id(request), seconds, notices))

        asked = {"fields": dict(got.fields), "sha256": upload.sha256}
        tariff = tariff_of("sixtydb", speakers=order.options.diarize)
        job = Order(
            got.caller,
            upload,
            order.options,
            interactive=True,
            tariff=tariff,
            max_seconds=MAX_SECONDS,
        )
        return transcribe(request._request, job, got.abandoned, asked, answer)


def _in_plan(order: SixtyDbOrder, caller: Caller) -> tuple[SixtyDbOrder, list[Notice]]:
    """No language model polishes a text here. On a paid plan the recogniser at least hears what it is about."""
    if not order.context:
        return order, []
    if caller.plan.id != "paid":
        return order, [Notice(NOT_REFINED, f"The plan {caller.plan.name} has no context: it was not used.")]
    message = "This server polishes no text with a language model: the context was given to the recogniser as a hint."
    heard = replace(order, options=replace(order.options, context=(("", order.context),)))
    return heard, [Notice(NOT_REFINED, message)]


class Models(SixtyDbView):
    authentication_classes = (OpenToAll,)

    @extend_schema(
        operation_id="sixtydb_models", summary="60db: the one model", responses=schemas.ModelsAnswer, auth=[]
    )
    def get(self, request: Request) -> Response:
        model = {
            "id": MODEL,
            "model_name": MODEL,
            "description": f"What {settings.PRODUCT_NAME} transcribes with; an answer names it in X-Model.",
            "category": "speech-to-text",
            "type": "stt",
            "languages": len(_available()),
            "features": list(FEATURES),
        }
        return Response({"success": True, "message": "Models of this server.", "data": [model]})


class Languages(SixtyDbView):
    authentication_classes = (OpenToAll,)

    @extend_schema(
        operation_id="sixtydb_languages", summary="60db: its languages", responses=schemas.LanguagesAnswer, auth=[]
    )
    def get(self, request: Request) -> Response:
        available = _available()
        named: list[dict[str, Any]] = [{"code": AUTO.code, "name": AUTO.name}]
        for one in LANGUAGES.values():
            here = one.code in available
            named.append(
                {
                    "code": one.code,
                    "name": one.name,
                    "native": one.native,
                    "code_switching": here and len(available) > 1,
                    "available": here,
                }
            )
        features = dict.fromkeys(FEATURES, True)
        return Response({"success": True, "data": {"languages": named, "total": len(LANGUAGES), "features": features}})


def _available() -> set[str]:
    """Those of the dialect that this server's models know."""
    return set(LANGUAGES) & set(selectors.languages_here())
