"""Summaries, analyses and texts made of a text or a transcript, each with the name of who made it. A transcript's are
kept by its version; those made before its last edits are `stale`, and made again only when somebody wishes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from engine.text.types import Extraction, Style
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway
from transcripts.models import Transcript, TranscriptInsight
from transcripts.services.insights import making, translating
from transcripts.services.insights.kinds import ANALYSES, CUSTOM
from transcripts.services.insights.making import Made
from transcripts.services.insights.source import LONGEST_PROMPT, LONGEST_TEXT, Source, capped, of_text, of_transcript

__all__ = [
    "ANALYSES",
    "Insight",
    "Made",
    "Source",
    "all_cached",
    "analyze",
    "analyze_text",
    "cached",
    "embed",
    "generate",
    "generate_from_text",
    "latest_summary",
    "no_translator",
    "plain",
    "summarize",
    "summarize_text",
    "translate",
    "translate_texts",
    "translated",
    "translator",
]


@dataclass(frozen=True, slots=True)
class Insight:
    """`cached`: it was there already. `stale`: it was made before the last edits. What `value` is follows from `kind`
    (`making`)."""

    kind: str
    variant: str
    value: Any
    model: str
    cached: bool
    stale: bool


def summarize(transcript: Transcript, style: Style = "brief", *, force: bool = False) -> Insight:
    return _kept(transcript, "summary", style, lambda source: making.summary(source, style), force)


def analyze(
    transcript: Transcript, kinds: Sequence[Extraction] = ANALYSES, *, force: bool = False
) -> dict[str, Insight]:
    """By kind."""

    def one(kind: Extraction) -> Insight:
        return _kept(transcript, kind, "", lambda source: making.analysis(source, kind), force)

    return {kind: one(kind) for kind in kinds}


def generate(
    transcript: Transcript, kind: str = CUSTOM, variant: str = "", prompt: str = "", *, force: bool = False
) -> Insight:
    """`kind` and `variant` as `kinds.generated_of` gives them; CUSTOM is what the prompt alone asks for."""
    capped(prompt, LONGEST_PROMPT, "prompt")
    name = ":".join(filter(None, (variant, sha256(prompt.encode()).hexdigest()[:32] if prompt else "")))

    def make(source: Source) -> Made:
        made = making.generated(source, kind, variant, prompt)
        # Its name is only the prompt's hash.
        return Made({**made.value, "prompt": prompt}, made.model) if prompt else made

    return _kept(transcript, kind, name, make, force)


def translate(transcript: Transcript, target: str, *, force: bool = False) -> Insight:
    """Turn by turn. Raises UNSUPPORTED_LANGUAGE."""
    languages = translating.pair(transcript.language, target)
    return _kept(
        transcript, "translation", languages.target, lambda source: translating.turns(source, languages), force
    )


def translate_texts(texts: Sequence[str], source: str, target: str) -> tuple[Made, translating.Pair]:
    """A list of as many in the same order; `source` may be auto."""
    capped("".join(texts), LONGEST_TEXT, "texts")
    languages = translating.pair(source, target)
    return translating.texts(texts, languages), languages


def translator() -> str | None:
    """Which model translates texts here; None: none. Raises ENGINE_UNAVAILABLE."""
    return translating.who()


def no_translator(what: str) -> ServiceError:
    return translating.missing(what)


def translated(texts: Sequence[str], source: str, target: str) -> list[str]:
    """As many, in the same order, however long they are together: what somebody paid for to have heard."""
    made: list[str] = translating.texts(texts, translating.pair(source, target)).value
    return made


def summarize_text(text: str, style: Style = "brief") -> Made:
    return making.summary(of_text(text), style)


def analyze_text(text: str, kind: Extraction) -> Made:
    return making.analysis(of_text(text), kind)


def generate_from_text(text: str, kind: str = CUSTOM, variant: str = "", prompt: str = "") -> Made:
    capped(prompt, LONGEST_PROMPT, "prompt")
    return making.generated(of_text(text), kind, variant, prompt)


def embed(texts: Sequence[str]) -> tuple[list[list[float]], str]:
    """A vector of length 1 for each text, and who made them."""
    capped("".join(texts), LONGEST_TEXT, "texts")
    vectors = engine_gateway.embed(texts)
    return vectors.tolist(), engine_gateway.status().text.embedder or ""


def plain(kind: str, value: Any) -> Any:
    """Of statements only their words, as STT.ai answers with."""
    return [each["text"] for each in value] if kind in ("action_items", "questions") else value


def cached(transcript: Transcript, kind: str, variant: str = "") -> Insight | None:
    """What is kept of the version that is shown; nothing is made."""
    row = _rows(transcript).filter(kind=kind, variant=variant).first()
    return None if row is None else _read(row, transcript)


def latest_summary(transcript: Transcript) -> Insight | None:
    """In whatever style."""
    row = _rows(transcript).filter(kind="summary").order_by("-created_at").first()
    return None if row is None else _read(row, transcript)


def all_cached(transcript: Transcript) -> list[Insight]:
    """By kind."""
    return [_read(row, transcript) for row in _rows(transcript).order_by("kind", "variant")]


def _kept(transcript: Transcript, kind: str, variant: str, make: Callable[[Source], Made], force: bool) -> Insight:
    known = None if force else cached(transcript, kind, variant)
    if known is not None:
        return known
    rev, version = transcript.rev, transcript.version
    made = make(of_transcript(transcript))
    with transaction.atomic():
        if not Transcript.objects.select_for_update().filter(pk=transcript.pk).exists():
            raise ServiceError(ErrorCode.NOT_FOUND, "The transcript was deleted meanwhile. Nothing was kept.")
        TranscriptInsight.objects.update_or_create(
            transcript=transcript,
            version=version,
            kind=kind,
            variant=variant,
            defaults={"rev": rev, "value": made.value, "model": made.model},
        )
    return Insight(kind, variant, made.value, made.model, cached=False, stale=False)


def _rows(transcript: Transcript) -> QuerySet[TranscriptInsight]:
    return TranscriptInsight.objects.filter(transcript=transcript, version=transcript.version)


def _read(row: TranscriptInsight, transcript: Transcript) -> Insight:
    return Insight(row.kind, row.variant, row.value, row.model, cached=True, stale=row.rev < transcript.rev)
