"""The panel beside a transcript: what is made of its text, on request. Nothing is computed to draw it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.visit import visit_of
from engine.text.types import Style
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services import insights, language_model
from transcripts.services.insights import Insight
from transcripts.services.insights.kinds import ANALYSES, CUSTOM, generated_of, style_of
from transcripts.web import chat
from transcripts.web.access import caller_of

if TYPE_CHECKING:
    from transcripts.models import Transcript

TABS = {"summary": "Summary", "chapters": "Chapters", "actions": "Actions", "chat": "Chat"}
STYLES: dict[Style, str] = {
    "brief": "Brief",
    "detailed": "Detailed",
    "bullet_points": "Bullets",
    "action_items": "To-dos",
}
EXTRACTED = "extractive"
"""How the name of who made an insight begins where it is the recording's own sentences."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be made. `shape` names its template."""

    id: str
    title: str
    about: str
    shape: str = "points"
    written: bool = False
    """Only a language model makes it."""


CHAPTERS = Kind("chapter_markers", "Chapters", "Where a new subject begins", "chapters")
ACTIONS = Kind("action_items", "Action items", "Who said they will do what")
MORE = (
    Kind("questions", "Questions", "What was asked"),
    Kind("key_quotes", "Key quotes", "Sentences worth quoting"),
    Kind("topics", "Topics", "What it is about", "topics"),
    Kind("entities", "Names", "People, places, organisations, dates", "entities"),
    Kind("sentiment", "Mood", "Positive, neutral or negative", "sentiment"),
    Kind("meeting_notes", "Meeting notes", "Points under headings", "sections"),
    Kind("show_notes", "Show notes", "What listeners want to know", "sections"),
    Kind("flashcards", "Flashcards", "Questions with answers to learn from", "cards"),
    Kind("quiz", "Quiz", "Questions with a choice of answers", "quiz"),
    Kind("study_guide", "Study guide", "The matter, explained in order", "prose", written=True),
    Kind("blog_post", "Blog post", "A text for readers who were not there", "prose", written=True),
    Kind("newsletter", "Newsletter", "The news in it, to send", "prose", written=True),
    Kind("social_media", "Posts", "Short posts for social media", "prose", written=True),
    Kind(CUSTOM, "Your own", "Say what you want to have made of it", "prose", written=True),
)
KINDS = {kind.id: kind for kind in (CHAPTERS, ACTIONS, *MORE)}


@dataclass(frozen=True, slots=True)
class Card:
    """A kind, and what was made of it, if it was."""

    kind: Kind
    made: Insight | None = None
    style: str = ""

    @property
    def listed(self) -> bool:
        """A row of the list of all that can be made."""
        return self.kind in MORE

    @property
    def value(self) -> Any:
        return self.made.value if self.made else None

    @property
    def items(self) -> Any:
        """Of a kind that is a list, however it was asked for."""
        value = self.value
        return value.get("items", []) if isinstance(value, dict) else value

    @property
    def names(self) -> dict[str, dict[str, int]]:
        """Of entities: by label, each name and how often it is said."""
        found: dict[str, dict[str, int]] = {}
        for entity in self.value or ():
            named = found.setdefault(entity["label"], {})
            named[entity["text"]] = named.get(entity["text"], 0) + 1
        return found

    @property
    def picked(self) -> bool:
        return self.made is not None and self.made.model.startswith(EXTRACTED)

    @property
    def prose(self) -> str:
        """Of a summary, what its points do not say already."""
        written = self.made is not None and not self.picked and self.style in ("brief", "detailed")
        return str(self.value["summary"]) if written else ""


def context(request: HttpRequest, transcript: "Transcript") -> dict[str, Any]:
    """For templates/panel/panel.html."""
    made = {(insight.kind, insight.variant): insight for insight in insights.all_cached(transcript)}
    asked = request.GET.get("panel") or request.COOKIES.get("panel", "")
    return {
        "tab": asked if asked in TABS else "summary",
        "tabs": list(TABS.items()),
        "styles": list(STYLES.items()),
        "summary": _summary(made, request.GET.get("style", "")),
        "chapters": _card(made, CHAPTERS),
        "actions": _card(made, ACTIONS),
        "more": [_card(made, kind) for kind in MORE if not kind.written],
        "writer": (writer := _writer()),
        "written": [_card(made, kind) for kind in MORE if kind.written],
        "chat": chat.context(request, transcript),
        "how_to_write": "" if writer else language_model.HOW_TO_HAVE_ONE,
    }


def _writer() -> str | None:
    try:
        return language_model.name()
    except ServiceError:  # The engine does not answer: what it can do is not known, and the page is there all the same.
        return None


def _summary(made: dict[tuple[str, str], Insight], asked: str) -> Card:
    """Of the style that was asked for; else one that is there."""
    style = asked if asked in STYLES else next((each for each in STYLES if ("summary", each) in made), "brief")
    return Card(Kind("summary", "Summary", ""), made.get(("summary", style)), style)


def _card(made: dict[tuple[str, str], Insight], kind: Kind) -> Card:
    there = next((insight for (name, _), insight in made.items() if name == kind.id), None)
    return Card(kind, there)


@require_http_methods(["GET", "HEAD", "POST"])
def insight(request: HttpRequest, transcript: "Transcript") -> HttpResponse:
    """GET: what is there of one kind. POST: made, or read where it is there and `force` is not sent. A script asks with
    `part` and gets the card alone."""
    wish = request.POST if request.method == "POST" else request.GET
    error = None
    card = _known(transcript, wish.get("kind", ""), wish.get("style", ""))
    if request.method == "POST":
        try:
            visit_of(request).enter(caller_of(request), "text")
            card = _make(transcript, card, wish.get("prompt", "").strip(), force="force" in wish)
        except ServiceError as refusal:
            error = refusal
    if "part" in wish:
        cells = {"card": card, "transcript": transcript, "styles": list(STYLES.items()), "error": error, "open": True}
        return render(request, "panel/_card.html", cells, status=error.status if error else 200)
    if error:
        messages.error(request, error.message)
    tab = {"summary": "summary", CHAPTERS.id: "chapters"}.get(card.kind.id, "actions")
    address = reverse("document", kwargs={"slug": transcript.slug})
    return redirect(f"{address}?panel={tab}{f'&style={card.style}' if card.style else ''}#panel")


def _known(transcript: "Transcript", kind: str, style: str) -> Card:
    if kind == "summary":
        chosen = style_of(style)
        return Card(Kind("summary", "Summary", ""), insights.cached(transcript, "summary", chosen), chosen)
    if kind not in KINDS:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "That cannot be made of a transcript.")
    made = {(each.kind, each.variant): each for each in insights.all_cached(transcript) if each.kind == kind}
    return _card(made, KINDS[kind])


def _make(transcript: "Transcript", card: Card, prompt: str, *, force: bool) -> Card:
    if card.kind.id == "summary":
        return Card(card.kind, insights.summarize(transcript, style_of(card.style), force=force), card.style)
    if card.kind.id in ANALYSES:
        return Card(card.kind, insights.analyze(transcript, [card.kind.id], force=force)[card.kind.id])
    if card.kind.id == CUSTOM:
        if not prompt:
            raise ServiceError(ErrorCode.INVALID_REQUEST, "Say first what you want to have made of it.")
        return Card(card.kind, insights.generate(transcript, CUSTOM, prompt=prompt, force=force))
    name, variant = generated_of(card.kind.id)
    return Card(card.kind, insights.generate(transcript, name, variant, force=force))
