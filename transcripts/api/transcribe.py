"""From an order to its answer in the same call, whole or as it is made, for every dialect."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.services import idempotency
from accounts.services.access import Caller
from accounts.services.idempotency import Ticket
from accounts.visit import visit_of
from stt_site.lib.errors import ServiceError
from transcripts.api import once
from transcripts.api.once import answer_once
from transcripts.api.sse import Event, EventStream, event_stream
from transcripts.models import Transcript
from transcripts.services import transcripts
from transcripts.services.follow import Piece, follow
from transcripts.services.submit import Order, submit
from transcripts.services.wait import outcome, wait_for

Accept = Callable[[Ticket | None], Transcript]
"""Takes the work on; it is not called where the same was accepted before."""


def transcribe(
    request: HttpRequest,
    order: Order,
    abandoned: threading.Event,
    asked: Any,
    answer: Callable[[Transcript], HttpResponse],
) -> HttpResponse:
    """`asked`: what the answer depends on; the same again, under one Idempotency-Key, gets the same answer. `answer`
    gets the row of a transcript that is there. Raises ServiceError."""
    return answer_whole(request, order.caller, _accepting(order), abandoned, asked, answer)


def answer_whole(
    request: HttpRequest,
    caller: Caller,
    accept: Accept,
    abandoned: threading.Event,
    asked: Any,
    answer: Callable[[Transcript], HttpResponse],
) -> HttpResponse:
    """`transcribe`, where the recording has yet to be got."""

    def wait_and_answer(transcript: Transcript, ticket: Ticket | None) -> HttpResponse:
        try:
            finished = _finished(request, transcript, abandoned, ticket)
            response = answer(finished)
            response.headers["X-Model"] = finished.model
            return response
        finally:
            if caller.is_anonymous:
                # An anonymous result is given once and kept nowhere.
                transcripts.delete(transcript)

    return answer_once(request, caller, asked, accept, wait_and_answer)


def stream(
    request: HttpRequest,
    order: Order,
    abandoned: threading.Event,
    asked: Any,
    events: Callable[[Transcript, Iterator[Piece]], Iterator[Event]],
    refused: Callable[[ServiceError], Event],
) -> HttpResponseBase:
    """As `transcribe`, but the answer is what `events` makes of the pieces; behind the last one the transcript is
    there. `refused` is the event of a refusal that comes when the answer has begun; what comes before is raised."""
    return answer_along(request, order.caller, _accepting(order), abandoned, asked, events, refused)


def answer_along(
    request: HttpRequest,
    caller: Caller,
    accept: Accept,
    abandoned: threading.Event,
    asked: Any,
    events: Callable[[Transcript, Iterator[Piece]], Iterator[Event]],
    refused: Callable[[ServiceError], Event],
) -> HttpResponseBase:
    """`stream`, where the recording has yet to be got."""

    def along(transcript: Transcript, ticket: Ticket | None) -> Iterator[Event]:
        with once.streaming(ticket, transcript):
            timeout = settings.SYNC_WAIT_SECONDS
            beat = partial(idempotency.keep, ticket)
            yield from events(transcript, follow(transcript, abandoned=abandoned, timeout=timeout, beat=beat))
            visit_of(request).charged_mc = transcript.job.charged_mc

    def answer(transcript: Transcript, ticket: Ticket | None) -> EventStream:
        return event_stream(request, along(transcript, ticket), abandoned=abandoned, refused=refused)

    return answer_once(request, caller, asked, accept, answer)


def _accepting(order: Order) -> Accept:
    return lambda ticket: submit(replace(order, ticket=ticket))


def _finished(
    request: HttpRequest, transcript: Transcript, abandoned: threading.Event, ticket: Ticket | None
) -> Transcript:
    job = wait_for(
        transcript.job_id,
        abandoned=abandoned,
        timeout=settings.SYNC_WAIT_SECONDS,
        beat=lambda: idempotency.keep(ticket),
    )
    outcome(job)
    visit_of(request).charged_mc = job.charged_mc
    transcript.refresh_from_db()
    transcript.job = job
    return transcript
