import json
from collections.abc import Iterator
from functools import partial

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services.idempotency import Ticket
from accounts.services.tariffs import NO_SPEAKERS, tariff_of
from accounts.visit import visit_of
from stt_site.lib import json_schema
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api import sse
from transcripts.api.dialects.base import UploadView
from transcripts.api.dialects.interfaze import response, schemas
from transcripts.api.dialects.interfaze.errors import InterfazeRefusal
from transcripts.api.dialects.interfaze.facts import Translation, facts_of
from transcripts.api.dialects.interfaze.request import Source, parse
from transcripts.api.dialects.interfaze.response import Completion, as_deltas, as_json, completion_of
from transcripts.api.dialects.interfaze.sources import first_recording, named, obtained
from transcripts.api.dialects.interfaze.work import Work, answers_to, translated, translation_of, work_of
from transcripts.api.openapi import KEY
from transcripts.api.transcribe import answer_along, answer_whole
from transcripts.models import Transcript
from transcripts.services import transcripts
from transcripts.services.follow import Piece
from transcripts.services.submit import Order, submit
from transcripts.uploads.received import Received, received

CHAT = {
    "model": "interfaze-beta",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Transcribe this."},
                {"type": "file", "file": {"filename": "meeting.mp3", "file_data": "https://example.org/meeting.mp3"}},
            ],
        }
    ],
}

NOTHING = " Nothing was charged."


class ChatCompletions(UploadView):
    refusal = InterfazeRefusal()

    @extend_schema(
        operation_id="chat_completion",
        summary="Ask about a recording as in a chat",
        description="`stream: true` answers with server-sent events, the last of them `[DONE]`.",
        request={"application/json": schemas.ChatRequest},
        examples=[OpenApiExample("A recording at a URL", CHAT, request_only=True)],
        responses={
            (200, "application/json"): schemas.ChatCompletion,
            (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "With `stream: true`."),
            **dict.fromkeys((400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 500, 503, 507), schemas.ChatError),
        },
        auth=KEY,  # type: ignore[arg-type]
    )
    def post(self, request: Request) -> HttpResponseBase:
        got = received(request._request)
        if got.document is None:
            message = "Send the request as application/json. Nothing was charged."
            raise ServiceError(ErrorCode.UNSUPPORTED_CONTENT_TYPE, message)
        work = work_of(parse(got.document, request.headers, selectors.languages()))
        if not work.order.sources:
            return self._answered_at_once(request._request, got, _text_translation(work))
        return self._transcribed(request._request, got, work)

    def _answered_at_once(self, request: HttpRequest, got: Received, done: Completion) -> HttpResponseBase:
        if not done.order.stream:
            return Response(as_json(done))
        events: Iterator[sse.Event] = iter([*as_deltas(done), sse.DONE])
        return sse.event_stream(request, events, abandoned=got.abandoned, refused=self.refusal.body)

    def _transcribed(self, request: HttpRequest, got: Received, work: Work) -> HttpResponseBase:
        def accept(ticket: Ticket | None) -> Transcript:
            return first_recording(work.order.sources, lambda source: _submitted(source, got, work, ticket))

        asked = _fingerprint(got)
        if work.order.stream:
            events = partial(_events, work)
            refused = self.refusal.body
            return answer_along(request, got.caller, accept, got.abandoned, asked, events, refused)

        def answer(row: Transcript) -> HttpResponse:
            try:
                return Response(as_json(_completed(work, row)))
            except Exception:
                visit_of(request).charged_mc = 0
                raise

        return answer_whole(request, got.caller, accept, got.abandoned, asked, answer)


def _submitted(source: Source, got: Received, work: Work, ticket: Ticket | None) -> Transcript:
    try:
        return submit(
            Order(
                caller=got.caller,
                upload=obtained(source, got.inline, got.caller, got.abandoned),
                options=work.options,
                interactive=True,
                ticket=ticket,
                tariff=tariff_of("interfaze"),
            )
        )
    except ServiceError as error:
        raise named(error, source) from error


def _events(work: Work, transcript: Transcript, pieces: Iterator[Piece]) -> Iterator[sse.Event]:
    """Plain text goes out as it is heard; whatever needs the whole of it, once that is there."""
    order = work.order
    live = order.shape == "text" and work.target is None and not (work.diarized or order.show_precontext)
    head = Completion(order, "").head
    said = False
    for piece in pieces:
        if live:
            yield response.delta(head, {"content": piece.text} | ({} if said else {"role": "assistant"}))
            said = True
    done = _completed(work, transcript)
    yield from response.ending(done, head) if said else as_deltas(done)
    yield sse.DONE


def _completed(work: Work, row: Transcript) -> Completion:
    """Raises MODEL_UNAVAILABLE for a language model or voices that failed, INTERNAL for an answer that the schema
    refuses. Then the transcript is gone and nothing is charged: it is not what was asked for."""
    try:
        return _made(work, row)
    except Exception as error:
        transcripts.withdraw(row, "a transcript without the answer that it was for")
        if isinstance(error, ServiceError):
            raise ServiceError(
                error.code, f"{error.message.removesuffix(NOTHING)} Nothing was charged or kept."
            ) from error
        raise


def _made(work: Work, row: Transcript) -> Completion:
    languages = selectors.languages()
    transcript = selectors.document(row)
    if work.diarized and NO_SPEAKERS.intersection(notice.code for notice in transcript.warnings):
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, "The speakers could not be told apart.")
    facts = facts_of(
        transcript,
        by_word=work.order.wishes.by_word,
        diarized=work.diarized,
        translated=work.translated,
        languages=languages,
    )
    if work.target is not None:
        facts = translated(facts, work.target)
    filled = None
    if work.plan is not None:
        filled = work.plan.fill(facts, answers_to(work.plan, work.order.prompt, facts))
        wrong = json_schema.problem(filled, work.plan.root)
        if wrong is not None:
            raise ServiceError(ErrorCode.INTERNAL, f"What was heard does not fit the schema ({wrong}).")
    return completion_of(work.order, facts, filled)


def _text_translation(work: Work) -> Completion:
    """Of a prompt without a recording: `Translate the following into French:`, then the text."""
    prompt, target = work.order.prompt, work.target or "en"
    text = prompt.partition("\n\n")[2] or prompt.partition(":")[2] or prompt
    made = Translation(translation_of(text.strip(), "auto", target), target)
    return response.of_translation(work.order, made)


def _fingerprint(got: Received) -> str:
    """What was asked, with the recordings by their content: the gate's tokens are new each time."""
    text = json.dumps(got.document, sort_keys=True)
    for token, upload in got.inline.items():
        text = text.replace(token, upload.sha256)
    return text
