"""Who makes what: the language model where there is one, else what the text's own sentences give, else nobody."""

from dataclasses import dataclass
from typing import Any

from engine.text.types import Extraction, Style
from stt_site.lib.errors import ServiceError
from transcripts import engine_gateway
from transcripts.services import language_model
from transcripts.services.insights import markdown, written
from transcripts.services.insights.kinds import ALWAYS_EXTRACTED, CUSTOM, EXTRACTIONS
from transcripts.services.insights.source import Source

LISTED = ("key_quotes", "chapter_markers", "flashcards", "quiz")
SECTIONS = ("meeting_notes", "show_notes")


@dataclass(frozen=True, slots=True)
class Made:
    """`value` is JSON-ready; `model` made it."""

    value: Any
    model: str


def summary(source: Source, style: Style) -> Made:
    """`{summary, points: [{text, line, start, speaker}]}`."""
    if (writer := language_model.name()) is not None:
        return Made(written.summary(source, style), writer)
    return _extracted("summary", source, style)


def analysis(source: Source, kind: Extraction) -> Made:
    """As `engine.text.extract` shapes it."""
    writer = None if kind in ALWAYS_EXTRACTED else language_model.name()
    if writer is None:
        return _extracted(kind, source)
    if kind == "sentiment":
        return Made(written.sentiment(source), writer)
    return Made(written.topics(source) if kind == "topics" else written.listed(source, kind), writer)


def generated(source: Source, kind: str, variant: str, wish: str) -> Made:
    """`{content}`, which is Markdown, and beside it `items` or `sections` where there are some."""
    if (writer := language_model.name()) is not None:
        return Made(_written(source, kind, variant, wish), writer)
    if wish or kind not in EXTRACTIONS:
        raise _needs_a_writer(kind, wish)
    made = _extracted(kind, source)
    return Made(_presented(kind, made.value), made.model)


def _written(source: Source, kind: str, variant: str, wish: str) -> dict[str, Any]:
    if kind in LISTED:
        return _presented(kind, written.listed(source, kind, wish))
    if kind in SECTIONS:
        return _presented(kind, written.sections(source, kind, wish))
    return {"content": written.prose(source, kind, variant, wish)}


def _presented(kind: str, value: Any) -> dict[str, Any]:
    beside = {"items": value} if kind in LISTED else dict(value)
    return {"content": markdown.content(kind, value), **beside}


def _extracted(what: Extraction, source: Source, style: Style = "brief") -> Made:
    embedder = engine_gateway.status().text.embedder
    value = engine_gateway.extract(what, source.lines, style=style, language=source.language)
    return Made(value, f"extractive/{embedder}" if embedder else "extractive")


def _needs_a_writer(kind: str, wish: str) -> ServiceError:
    if kind == CUSTOM:
        return language_model.missing("A prompt of your own")
    name = kind.replace("_", " ").capitalize()
    return language_model.missing(f"{name} with a prompt of your own" if kind in EXTRACTIONS else name)
