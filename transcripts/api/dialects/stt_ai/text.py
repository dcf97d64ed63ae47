"""POST /v1/summarize, /v1/translate, /v1/analyze, /v1/generate and /v1/embed: text in, JSON out, nothing kept."""

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import CallerAuthentication
from transcripts.api.account import read
from transcripts.api.dialects.stt_ai import text_bodies as bodies
from transcripts.api.dialects.stt_ai.views import SttAiView
from transcripts.api.openapi import KEY
from transcripts.api.schemas import Error
from transcripts.services import insights

REFUSALS = dict.fromkeys((400, 401, 403, 413, 415, 429, 503), Error)


class TextView(SttAiView):
    authentication_classes = (CallerAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (JSONParser,)
    scopes: ClassVar = {"POST": "transcribe"}
    buckets: ClassVar = {"POST": "text"}


def describe(name: str, summary: str, body: type[Any], answer: type[Any]) -> Callable[..., Any]:
    return extend_schema(
        operation_id=name,
        summary=summary,
        description="Free; 60 requests a minute.",
        request=body,
        responses={200: answer, **REFUSALS},
        auth=KEY,  # type: ignore[arg-type]
    )


class Summarize(TextView):
    @describe("summarize_text", "A summary of a text", bodies.SummarizeRequest, bodies.SummarizeAnswer)
    def post(self, request: Request) -> Response:
        wish = read(bodies.SummarizeRequest, request.data)
        made = insights.summarize_text(wish["text"], wish["style"])
        summary = made.value["summary"]
        return Response({"summary": summary, "text": summary, "style": wish["style"], "model": made.model})


class Translate(TextView):
    @describe("translate_text", "Texts in another language", bodies.TranslateRequest, bodies.TranslateAnswer)
    def post(self, request: Request) -> Response:
        wish = read(bodies.TranslateRequest, request.data)
        given = wish["texts"] if "texts" in wish else [wish["text"]]
        made, languages = insights.translate_texts(given, wish["source"], wish["target"])
        named = {
            "source_language": languages.source or "auto",
            "target_language": languages.target,
            "model": made.model,
        }
        if "texts" in wish:
            return Response({"translations": [{"translated_text": text} for text in made.value], **named})
        return Response({"translated_text": made.value[0], **named})


class Analyze(TextView):
    @describe("analyze_text", "What a text says of itself", bodies.AnalyzeRequest, bodies.AnalyzeAnswer)
    def post(self, request: Request) -> Response:
        wish = read(bodies.AnalyzeRequest, request.data)
        made = insights.analyze_text(wish["text"], wish["type"])
        result = insights.plain(wish["type"], made.value)
        return Response({"type": wish["type"], "result": result, "model": made.model})


class Generate(TextView):
    @describe("generate_from_text", "A new text made of a text", bodies.GenerateRequest, bodies.GenerateAnswer)
    def post(self, request: Request) -> Response:
        wish = read(bodies.GenerateRequest, request.data)
        made = insights.generate_from_text(wish["text"], wish["kind"], wish["variant"], wish["prompt"])
        return Response({"type": wish["kind"], "model": made.model, **made.value})


class Embed(TextView):
    @describe("embed_texts", "Texts as vectors that compare by meaning", bodies.EmbedRequest, bodies.EmbedAnswer)
    def post(self, request: Request) -> Response:
        vectors, model = insights.embed(read(bodies.EmbedRequest, request.data)["texts"])
        return Response({"embeddings": vectors, "dimensions": len(vectors[0]), "model": model})
