"""The conversation in the panel. A script asks at /api/v1/, where answers are streamed, and draws them from here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from accounts.visit import visit_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services import chat
from transcripts.web.access import caller_of, signed_in
from transcripts.web.prose import prose, seconds_cited

if TYPE_CHECKING:
    from transcripts.models import ChatTurn, Transcript

EXAMPLES = ("What was decided?", "Who does what, and by when?", "What stayed open?")
FRESH = "new"
"""In the address: a conversation that does not know of the one before."""


@dataclass(frozen=True, slots=True)
class Said:
    """A question with its answer, drawn. `sources` are those that the answer does not cite itself."""

    question: str
    html: SafeString
    sources: list[dict[str, Any]]
    model: str
    found: bool


def said(turn: "ChatTurn") -> Said:
    exact = {int(source["start_time"]): source["start_time"] for source in reversed(turn.sources)}
    cited = seconds_cited(turn.answer)
    others = [source for source in turn.sources if int(source["start_time"]) not in cited]
    # Of the recording's own words each line is a place of its own.
    answer = turn.answer if turn.model else turn.answer.replace("\n", "\n\n")
    return Said(turn.question, prose(answer, exact), others, turn.model, bool(turn.sources))


def context(request: HttpRequest, transcript: "Transcript") -> dict[str, Any]:
    """For templates/panel/_chat.html: the last conversation about this transcript."""
    fresh = request.GET.get("chat") == FRESH
    last = None if fresh else chat.sessions_of(signed_in(request), transcript).first()
    return {
        "session": last.public_id if last else "",
        "turns": [said(turn) for turn in last.turns.all()] if last else [],
        "examples": EXAMPLES,
        "longest": chat.LONGEST_QUESTION,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def talk(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """GET: the last answer of `session`, drawn. POST: a question, without a script."""
    user = signed_in(request)
    if request.method != "POST":
        found = chat.sessions_of(user, transcript).filter(public_id=request.GET.get("session", "")).first()
        turn = found.turns.last() if found else None
        if turn is None:
            raise ServiceError(ErrorCode.NOT_FOUND)
        return render(request, "panel/_said.html", {"turn": said(turn)})
    try:
        visit_of(request).enter(caller_of(request), "text")
        for _ in chat.ask(user, [transcript], request.POST.get("question", ""), request.POST.get("session", "")):
            pass
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('document', kwargs={'slug': transcript.slug})}?panel=chat#panel")
