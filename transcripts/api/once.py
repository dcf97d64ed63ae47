"""Answering a POST that accepts work, once however often it is sent (`accounts.services.idempotency`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.services import idempotency
from accounts.services.access import Caller
from accounts.services.idempotency import Answer, Ticket
from accounts.visit import visit_of
from stt_site.lib.errors import ServiceError
from transcripts import selectors
from transcripts.models import Transcript

R = TypeVar("R", bound=HttpResponseBase)
KEPT_HEADERS = ("Content-Type", "X-Model", "Location")


def answer_once(
    request: HttpRequest,
    caller: Caller,
    asked: Any,
    accept: Callable[[Ticket | None], Transcript],
    answer: Callable[[Transcript, Ticket | None], R],
) -> R | HttpResponse:
    """`asked`: what the answer depends on. `accept` hands its ticket to `submit`; `answer` may wait for the work,
    or return a stream whose maker is in `streaming`."""
    key = request.headers.get("Idempotency-Key")
    ticket = idempotency.ticket(caller, key, request.method or "", request.path, asked)
    known = idempotency.recall(ticket) if ticket else None
    if isinstance(known, Answer):
        return _replayed(known)
    transcript = selectors.accepted_as(caller.user, known) if known and caller.user else None
    if transcript is None:
        idempotency.drop(ticket if known else None)
        transcript = accept(ticket)
    visit_of(request).transcript_id = transcript.pk
    try:
        response = answer(transcript, ticket)
    except ServiceError:
        _give_up(ticket, transcript)
        raise
    if ticket is not None and isinstance(response, HttpResponse):
        idempotency.store(ticket, _kept(response))
    return response


@contextmanager
def streaming(ticket: Ticket | None, transcript: Transcript) -> Iterator[None]:
    """Around the making of a streamed answer, of which nothing is kept: a retry is answered from the transcript."""
    try:
        yield
    except BaseException:
        _give_up(ticket, transcript)
        raise
    idempotency.let_go(ticket)


def _give_up(ticket: Ticket | None, transcript: Transcript) -> None:
    if selectors.has_succeeded(transcript):
        idempotency.let_go(ticket)
    else:
        idempotency.drop(ticket)


def _kept(response: HttpResponse) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    if isinstance(response, Response):
        body = JSONRenderer().render(response.data)
        return Answer(response.status_code, headers | {"Content-Type": "application/json"}, body)
    return Answer(response.status_code, headers, response.content)


def _replayed(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers={**answer.headers, "Idempotent-Replayed": "true"})
