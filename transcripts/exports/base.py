"""What an exporter takes and gives: `engine.types.Transcript` in, a file out. No Django, no database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.types import Transcript

DISCLOSURE = "AI-generated transcript"


@dataclass(frozen=True, slots=True)
class Rendered:
    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Meta:
    """What a transcript does not know about itself. `slug` becomes the file's name."""

    title: str
    slug: str
    created_at: datetime
    model: str


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`Exporter.options` says which of these a format reads. `disclosure` None means the format's own habit."""

    disclosure: bool | None = None
    speakers: bool = True
    timestamps: bool = True
    profile: Literal["standard", "bbc"] = "standard"
    word_times: bool = False
    rtl_marks: bool = False


@dataclass(frozen=True, slots=True)
class Exporter:
    """One format. `body` is given options whose `disclosure` is already decided."""

    id: str
    label: str
    media_type: str
    extension: str
    discloses: bool
    options: frozenset[str]
    body: Callable[[Transcript, Meta, ExportOptions], bytes]
    is_text: bool = True


class UnknownFormat(ValueError):
    """No exporter has that name."""


class CannotDraw(Exception):
    """The format cannot show this text on this server. The message is a sentence for the user."""
