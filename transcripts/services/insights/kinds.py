"""What can be made of a text, by its names: those of STT.ai's API, its SDKs and its MCP server."""

from collections.abc import Mapping
from typing import get_args

from engine.text.types import Extraction, Style
from stt_site.lib.errors import ErrorCode, ServiceError

STYLES: tuple[Style, ...] = get_args(Style)
STYLE_ALIASES: dict[str, str] = {"bullets": "bullet_points", "headline": "brief"}
ANALYSES: tuple[Extraction, ...] = ("sentiment", "topics", "entities", "action_items", "questions", "pii_redact")
ANALYSIS_ALIASES = {"pii": "pii_redact"}
GENERATED = (
    "blog_post",
    "social_media",
    "newsletter",
    "key_quotes",
    "show_notes",
    "meeting_notes",
    "study_guide",
    "flashcards",
    "quiz",
    "chapter_markers",
)
GENERATED_ALIASES = {"podcast_show_notes": "show_notes"}
PLATFORMS = {"social_twitter": "twitter", "social_linkedin": "linkedin"}
CUSTOM = "custom"
"""What a prompt alone asks for."""
EXTRACTIONS: tuple[Extraction, ...] = get_args(Extraction)
ALWAYS_EXTRACTED = ("entities", "questions", "pii_redact")
"""By rules, whoever else is there: see docs/decisions/0018."""


def style_of(name: str) -> Style:
    return _known("style", name or "brief", STYLES, STYLE_ALIASES)  # type: ignore[return-value]


def analysis_of(name: str) -> Extraction:
    return _known("type", name, ANALYSES, ANALYSIS_ALIASES)  # type: ignore[return-value]


def generated_of(name: str) -> tuple[str, str]:
    """The type and its variant."""
    if name in PLATFORMS:
        return "social_media", PLATFORMS[name]
    return _known("type", name, GENERATED, GENERATED_ALIASES), ""


def _known(field: str, name: str, known: tuple[str, ...], aliases: Mapping[str, str]) -> str:
    named = aliases.get(name, name)
    if named not in known:
        message = f"There is no {field} {name[:40]!r}. Choose one of: {', '.join(known)}. Nothing was charged."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return named
