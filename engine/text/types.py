"""What the text services take and give. Everything here survives JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Extraction = Literal[
    "summary",
    "sentiment",
    "topics",
    "entities",
    "action_items",
    "questions",
    "pii_redact",
    "key_quotes",
    "chapter_markers",
    "meeting_notes",
    "show_notes",
    "flashcards",
    "quiz",
]
Style = Literal["brief", "detailed", "action_items", "bullet_points"]
"""Of a summary."""


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of a transcript; of bare text, without times and speaker. Times in seconds."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class TextModels:
    """Which models answer here; None: that service is not to be had."""

    embedder: str | None = None
    writer: str | None = None
    translator: str | None = None
    targets: tuple[str, ...] = ()
    """Codes of the languages that the translator writes."""


Message = Mapping[str, str]
"""`role` (system, user or assistant) and `content`."""
Answer = dict[str, Any]
"""JSON-ready; its shape by extraction is in `engine.text.extract`."""
