"""What a live session is told and says. Positions in samples count from the stream's first, times are in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.types import Keyword, Notice, Segment, segment_from_dict, to_dict

Reason = Literal["endpoint", "finalize", "length", "stop"]


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What may change while a session runs, and what it began with. `language` None means find it out."""

    model: str | None = None
    language: str | None = None
    languages: tuple[str, ...] = ()
    """Candidates for detection; empty: all that the model knows."""
    endpoint_ms: int = 300
    """Silence that ends an utterance which sounds complete."""
    max_endpoint_ms: int = 800
    """Silence that ends any utterance."""
    partials: bool = True
    partial_interval_ms: int = 300
    keywords: tuple[Keyword, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    refine: bool = False
    """Listen to each utterance once more, with the long window, and send the text as `Refined`."""
    tenant: str | None = None
    start: int = 0
    """Where the first sample stands in the stream: another than 0 where an earlier session was lost."""


@dataclass(frozen=True, slots=True)
class Opened:
    model: str
    language: str | None
    embedded: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    at: float


@dataclass(frozen=True, slots=True)
class Partial:
    """All of the open utterance. Its first `stable` characters are agreed on and stay, up to the final."""

    text: str
    stable: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Final:
    """What was said in one utterance; never changes. `needed`: samples before it are not wanted again."""

    utterance: int
    segment: Segment
    reason: Reason
    needed: int


@dataclass(frozen=True, slots=True)
class Refined:
    utterance: int
    text: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """An utterance is over, with or without words. `needed` as in `Final`."""

    at: float
    needed: int


@dataclass(frozen=True, slots=True)
class Finalized:
    """Everything before the request with this mark has been said."""

    mark: str


@dataclass(frozen=True, slots=True)
class Heard:
    """About once a second of audio: how far the session has listened, and from where it would have to again."""

    samples: int
    needed: int


@dataclass(frozen=True, slots=True)
class Warned:
    notice: Notice


LiveEvent = Opened | SpeechStarted | Partial | Final | Refined | SpeechEnded | Finalized | Heard | Warned
KINDS: dict[str, type[LiveEvent]] = {
    kind.__name__: kind
    for kind in (Opened, SpeechStarted, Partial, Final, Refined, SpeechEnded, Finalized, Heard, Warned)
}


def event_to_dict(event: LiveEvent) -> dict[str, Any]:
    return {"live": type(event).__name__, "value": to_dict(event)}


def event_from_dict(data: Mapping[str, Any]) -> LiveEvent:
    """Raises KeyError and TypeError for what no engine says."""
    kind, value = KINDS[data["live"]], dict(data["value"])
    if kind is Final:
        value["segment"] = segment_from_dict(value["segment"])
    elif kind is Warned:
        value["notice"] = Notice(**value["notice"])
    return kind(**value)


def live_options_from_dict(data: Mapping[str, Any]) -> LiveOptions:
    fields = dict(data)
    fields["languages"] = tuple(data.get("languages", ()))
    fields["keywords"] = tuple(Keyword(**keyword) for keyword in data.get("keywords", ()))
    fields["context"] = tuple((name, value) for name, value in data.get("context", ()))
    return LiveOptions(**fields)


def updated(options: LiveOptions, changes: LiveOptions) -> LiveOptions:
    """`changes`, as far as a running session can follow: its model, tenant and beginning stay."""
    return replace(changes, model=options.model, tenant=options.tenant, start=options.start)
