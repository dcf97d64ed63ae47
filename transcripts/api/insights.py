"""What is made of a transcript: the twins of the text services, kept until somebody wishes them anew."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from engine.text.types import Extraction
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api import insight_bodies as bodies
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.models import Transcript
from transcripts.services import insights
from transcripts.services.insights import Insight

MADE = {**dict.fromkeys((409, 413, 429, 503), Error), **REFUSED}
KEPT = "What was made before is the answer until `force`; `stale` says that it was made before the last edits."


class InsightView(AccountView):
    # Nothing of the transcript changes.
    scopes: ClassVar = {"POST": "read"}
    buckets: ClassVar = {"POST": "text"}


def describe(name: str, summary: str, body: type[Any], answer: type[Any]) -> Callable[..., Any]:
    responses = {200: answer, **MADE}
    return extend_schema(operation_id=name, summary=summary, description=KEPT, request=body, responses=responses)


class Insights(AccountView):
    @extend_schema(
        operation_id="list_insights",
        summary="What was made of it so far",
        description="Of the version that is shown. Nothing is made.",
        responses={200: bodies.InsightsBody, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        found = insights.all_cached(self.transcript(ref))
        return Response(bodies.InsightsBody({"results": found}).data)


class Summarize(InsightView):
    @extend_schema(
        operation_id="get_summary",
        summary="Its summary, where one was made",
        parameters=[bodies.SummaryQuery],
        responses={200: bodies.SummaryBody, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        transcript, query = self.transcript(ref), read(bodies.SummaryQuery, request.query_params)
        made = insights.cached(transcript, "summary", query["style"])
        if made is None:
            raise ServiceError(ErrorCode.NOT_FOUND, "No such summary was made yet. POST here makes it.")
        return Response(_summary(made))

    @describe("summarize_transcript", "Its summary", bodies.SummaryWish, bodies.SummaryBody)
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.SummaryWish, request.data)
        return Response(_summary(insights.summarize(transcript, wish["style"], force=wish["force"])))


class Analyze(InsightView):
    @describe("analyze_transcript", "What it says of itself", bodies.AnalysisWish, bodies.AnalysisBody)
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.AnalysisWish, request.data)
        found, failed = _analysed(transcript, wish["kinds"], force=wish["force"])
        body: dict[str, Any] = {
            "results": {kind: insights.plain(kind, each.value) for kind, each in found.items()},
            "details": {kind: _analysis(each) for kind, each in found.items()}
            | {kind: {"error": refusal.message} for kind, refusal in failed.items()},
        }
        if len(wish["kinds"]) == 1:
            [kind] = found
            body |= {"type": kind, "result": body["results"][kind]}
        return Response(body)


class Generate(InsightView):
    @describe("generate_from_transcript", "A new text made of it", bodies.GenerateWish, bodies.GeneratedBody)
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.GenerateWish, request.data)
        made = insights.generate(transcript, wish["kind"], wish["variant"], wish["prompt"], force=wish["force"])
        return Response({"type": made.kind, **made.value, **_made(made)})


class Translate(InsightView):
    @describe("translate_transcript", "It in another language", bodies.TranslateWish, bodies.TranslatedBody)
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.TranslateWish, request.data)
        made = insights.translate(transcript, wish["target"], force=wish["force"])
        body = {
            "translated_text": made.value["text"],
            "source_language": transcript.language or "auto",
            "target_language": made.value["target"],
            "turns": made.value["turns"],
        }
        return Response(body | _made(made))


def _analysed(
    transcript: Transcript, kinds: Sequence[Extraction], *, force: bool
) -> tuple[dict[str, Insight], dict[str, ServiceError]]:
    """What can be had, and why the rest cannot. Raises the refusal where nothing can."""
    found: dict[str, Insight] = {}
    failed: dict[str, ServiceError] = {}
    for kind in kinds:
        try:
            found |= insights.analyze(transcript, [kind], force=force)
        except ServiceError as refusal:
            if refusal.code not in (ErrorCode.UNSUPPORTED_LANGUAGE, ErrorCode.MODEL_UNAVAILABLE):
                raise
            failed[kind] = refusal
    if not found:
        raise next(iter(failed.values()))
    return found, failed


def _made(made: Insight) -> dict[str, Any]:
    return {"model": made.model, "cached": made.cached, "stale": made.stale}


def _summary(made: Insight) -> dict[str, Any]:
    return {"style": made.variant, **made.value, **_made(made)}


def _analysis(made: Insight) -> dict[str, Any]:
    timed = made.kind in ("action_items", "questions")
    return _made(made) | ({"items": made.value} if timed else {})
