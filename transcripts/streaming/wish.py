"""What a client wants of its stream, read from any dialect."""

from dataclasses import asdict, dataclass
from typing import Any

from engine.streaming.events import LiveOptions
from engine.types import Keyword
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.streaming.audio import Encoding

Endpoints = tuple[int, int]
PROFILES: dict[str, Endpoints] = {"caption": (300, 800), "agent": (160, 400), "dictation": (700, 1500)}
"""Milliseconds of silence that end an utterance which sounds complete, and any."""


@dataclass(frozen=True, slots=True)
class Wish:
    model: str | None = None
    language: str | None = None
    languages: tuple[str, ...] = ()
    endpoint_ms: int = 300
    max_endpoint_ms: int = 800
    partials: bool = True
    partial_interval_ms: int = 300
    words: bool = False
    refine: bool = False
    acks: bool = False
    save: bool = False
    save_audio: bool = False
    terms: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    encoding: Encoding = "pcm_s16le"
    sample_rate: int = 16_000
    channels: int = 1
    view: str = ""
    """Whoever knows it may read along (audience.py)."""

    def options(self, tenant: str, start: int = 0) -> LiveOptions:
        return LiveOptions(
            model=self.model,
            language=self.language,
            languages=self.languages,
            endpoint_ms=self.endpoint_ms,
            max_endpoint_ms=self.max_endpoint_ms,
            partials=self.partials,
            partial_interval_ms=self.partial_interval_ms,
            keywords=tuple(Keyword(term) for term in self.terms),
            context=self.context,
            refine=self.refine,
            tenant=tenant,
            start=start,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Wish":
        tuples: dict[str, Any] = {name: tuple(data[name]) for name in ("languages", "terms") if name in data}
        tuples["context"] = tuple((name, value) for name, value in data.get("context", ()))
        return cls(**{**data, **tuples})


def wrong(sentence: str) -> ServiceError:
    return ServiceError(ErrorCode.INVALID_REQUEST, f"{sentence} Nothing was charged.")
