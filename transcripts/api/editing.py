"""/api/v1/transcripts/:ref/turns/ and what else changes a document. Every change answers with what it touched."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api import document_bodies as bodies
from transcripts.api.account import REFUSED, AccountView, read
from transcripts.services.editing import history, replace, speakers, text, times
from transcripts.services.editing.outcome import EditConflict, Outcome

LONGEST_KEY = 64
CHANGED = {200: bodies.OutcomeBody, 409: bodies.ConflictBody, **REFUSED}
AGAIN = "An `Idempotency-Key` of at most 64 characters names the change: sent again, it changes nothing again."


def changes(name: str, summary: str, body: type[Any] | None, more: str = "") -> Callable[..., Any]:
    """What all addresses that change a document say of themselves."""
    return extend_schema(
        operation_id=name, summary=summary, description=f"{more} {AGAIN}".strip(), request=body, responses=CHANGED
    )


class EditingView(AccountView):
    @property
    def key(self) -> str:
        key = self.request.headers.get("Idempotency-Key", "")
        if len(key) > LONGEST_KEY or (key and not key.isprintable()):
            message = f"Here an Idempotency-Key has 1 to {LONGEST_KEY} printable characters. Nothing was changed."
            raise ServiceError(ErrorCode.INVALID_REQUEST, message)
        return key

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, EditConflict):
            turn = None if exc.turn is None else bodies.TurnBody(exc.turn).data
            response.data |= {"code": "edit_conflict", "yours": exc.yours, "turn": turn}
        return response


def outcome(done: Outcome) -> Response:
    return Response(bodies.OutcomeBody(done).data)


class Turns(EditingView):
    @extend_schema(
        operation_id="list_turns",
        summary="The document as it is edited",
        description="Its turns in order. The ETag changes with every edit.",
        parameters=[bodies.TurnsQuery],
        responses={200: bodies.DocumentBody, 304: None, 409: bodies.ConflictBody, **REFUSED},
    )
    def get(self, request: Request, ref: str) -> HttpResponse:
        transcript, words = self.transcript(ref), read(bodies.TurnsQuery, request.query_params)["words"]
        etag = f'W/"turns-{transcript.pk}-{transcript.rev}-{int(words)}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return HttpResponseNotModified(headers=headers)
        return Response(bodies.DocumentBody(selectors.turns(transcript, words=words)).data, headers=headers)


class Turn(EditingView):
    @changes("edit_turn", "Correct a turn", bodies.TurnEdit, "Words that stay keep their times.")
    def patch(self, request: Request, ref: str, turn: int) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.TurnEdit, request.data)
        if "accept" in wish:
            done = text.accept(transcript, self.owner, turn, wish["base_rev"], wish["accept"], self.key)
        else:
            done = text.edit(transcript, self.owner, turn, wish["base_rev"], wish["text"], self.key)
        return outcome(done)


class TurnSplit(EditingView):
    @changes("split_turn", "Make two turns of one", bodies.Split, "The first keeps the id.")
    def post(self, request: Request, ref: str, turn: int) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.Split, request.data)
        return outcome(text.split(transcript, self.owner, turn, **wish, key=self.key))


class TurnMerge(EditingView):
    @changes("merge_turn", "Put a turn and the one before together", bodies.Base)
    def post(self, request: Request, ref: str, turn: int) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.Base, request.data)
        return outcome(text.merge(transcript, self.owner, turn, **wish, key=self.key))


class TurnSpeaker(EditingView):
    @changes("assign_turn", "Say who speaks", bodies.Assign, "In this turn, from here on, or everywhere.")
    def post(self, request: Request, ref: str, turn: int) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.Assign, request.data)
        return outcome(speakers.assign(transcript, self.owner, turn, **wish, key=self.key))


class TurnTimes(EditingView):
    @changes("time_turn", "Set when words are spoken", bodies.Times, "For captions; no other word moves.")
    def post(self, request: Request, ref: str, turn: int) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.Times, request.data)
        return outcome(times.set_times(transcript, self.owner, turn, **wish, key=self.key))


class SpeakersMerge(EditingView):
    @changes("merge_speakers", "Make two speakers one", bodies.MergeSpeakers)
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.MergeSpeakers, request.data)
        return outcome(speakers.merge(transcript, self.owner, **wish, key=self.key))


class FindReplace(EditingView):
    @changes("replace_text", "Find and replace", bodies.Replace, "One step of the history.")
    def post(self, request: Request, ref: str) -> Response:
        transcript, wish = self.transcript(ref), read(bodies.Replace, request.data)
        find, replacement = wish.pop("find"), wish.pop("replace")
        return outcome(replace.replace(transcript, self.owner, find, replacement, **wish, key=self.key))


class Undo(EditingView):
    @changes("undo", "Take the last change back", None)
    def post(self, request: Request, ref: str) -> Response:
        return outcome(history.undo(self.transcript(ref), self.owner, self.key))


class Redo(EditingView):
    @changes("redo", "Do again what was undone", None)
    def post(self, request: Request, ref: str) -> Response:
        return outcome(history.redo(self.transcript(ref), self.owner, self.key))
