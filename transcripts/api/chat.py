"""Questions to one's recordings, and the conversations that they make."""

import threading
from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.errors import ServiceError
from transcripts.api import chat_bodies as bodies
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.api.schemas import Error
from transcripts.api.sse import Event, event_stream
from transcripts.models import ChatSession, Transcript
from transcripts.services import chat
from transcripts.services.chat import ChatEvent, Done, Found

ANSWERS: dict[Any, Any] = {
    (200, "application/json"): bodies.AnswerBody,
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR,
        "JSON in each `data:`. `type` is `sources` (first, with `session_id`), `delta` (a `text` to add), `done` (the "
        "whole answer) or `error`.",
    ),
    **dict.fromkeys((409, 413, 429, 503), Error),
    **REFUSED,
}
FREE = "Free. Answered from the recordings alone; what is not in them is said not to be, without sources."


class _Asks(AccountView):
    # Nothing of the transcript changes.
    scopes: ClassVar = {"POST": "read"}
    buckets: ClassVar = {"POST": "text"}

    def answer(
        self, request: Request, transcripts: Sequence[Transcript] | None, wish: dict[str, Any]
    ) -> HttpResponseBase:
        gone = threading.Event()
        events = chat.ask(self.owner, transcripts, wish["question"], wish["session_id"], stop=gone.is_set)
        if wish["stream"] or "text/event-stream" in request.headers.get("Accept", ""):
            return event_stream(request._request, _told(events), abandoned=gone, refused=_refused)
        [done] = [event for event in events if isinstance(event, Done)]
        return Response(bodies.AnswerBody(done).data)


class TranscriptChat(_Asks):
    @extend_schema(
        operation_id="list_transcript_chats",
        summary="Your conversations about it, the last first",
        parameters=[bodies.SessionQuery],
        responses={200: bodies.SessionPage, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> Response:
        return _page(request, chat.sessions_of(self.owner, self.transcript(ref)))

    @extend_schema(
        operation_id="ask_transcript",
        summary="Ask it something",
        description=FREE,
        request=bodies.Question,
        responses=ANSWERS,
    )
    def post(self, request: Request, ref: str) -> HttpResponseBase:
        transcript = self.transcript(ref)
        return self.answer(request, [transcript], read(bodies.Question, request.data))


class Chats(_Asks):
    @extend_schema(
        operation_id="list_chats",
        summary="All your conversations, the last first",
        parameters=[bodies.SessionQuery],
        responses={200: bodies.SessionPage, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        return _page(request, chat.sessions_of(self.owner))

    @extend_schema(
        operation_id="ask_transcripts",
        summary="Ask several transcripts, or all of them, something",
        description=FREE,
        request=bodies.QuestionToMany,
        responses={404: Error, **ANSWERS},
    )
    def post(self, request: Request) -> HttpResponseBase:
        wish = read(bodies.QuestionToMany, request.data)
        named = wish["transcripts"]
        found = None if named is None else list({each.pk: each for each in map(self.transcript, named)}.values())
        return self.answer(request, found, wish)


class Chat(AccountView):
    @extend_schema(operation_id="get_chat", summary="One conversation", responses={200: bodies.SessionBody, **REFUSED})
    def get(self, request: Request, session: str) -> Response:
        return Response(bodies.SessionBody(chat.session_of(self.owner, session)).data)

    @extend_schema(operation_id="delete_chat", summary="Delete a conversation", responses={204: None, **REFUSED})
    def delete(self, request: Request, session: str) -> Response:
        chat.delete(chat.session_of(self.owner, session))
        return Response(status=204)


def _page(request: Request, found: QuerySet[ChatSession]) -> Response:
    query = read(bodies.SessionQuery, request.query_params)
    page = found[query["offset"] : query["offset"] + query["limit"]]
    return Response(bodies.SessionPage({"count": found.count(), "results": page}).data)


def _told(events: Generator[ChatEvent]) -> Generator[Event]:
    try:
        for event in events:
            if isinstance(event, Found):
                found = bodies.SourceBody(event.sources, many=True).data
                yield {"type": "sources", "session_id": event.session, "sources": found}
            elif isinstance(event, Done):
                yield {"type": "done", **bodies.AnswerBody(event).data}
            else:
                yield {"type": "delta", "text": event.text}
    finally:
        events.close()


def _refused(error: ServiceError) -> Event:
    return {"type": "error", "error": error.message, "code": error.code}
