"""Form fields to an Order. An empty value means that the field is absent; unknown fields are ignored."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.types import Keyword, Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.sixtydb.languages import LANGUAGES
from transcripts.api.fields import boolean

log = logging.getLogger(__name__)

PARAMETERS = {
    "POST /stt": (
        "file",
        "audio",
        "language",
        "languages",
        "diarize",
        "min_speakers",
        "max_speakers",
        "return_timestamps",
        "include_confidence",
        "context",
        "keywords",
        "script_correction",
    ),
}
LEAST_SNR_DB = -5.0
"""Audio with less speech over noise is dropped before anybody listens, and not charged."""
MOST_KEYWORDS = 1000
LONGEST_CONTEXT = 4000
MOST_SPEAKERS = 50
WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SixtyDbOrder:
    """`times` and `confidence`: what each word of the answer has besides itself."""

    options: Options
    times: bool
    confidence: bool
    context: str


def parse(fields: Mapping[str, Sequence[str]]) -> SixtyDbOrder:
    unknown = sorted(set(fields) - set(PARAMETERS["POST /stt"]))
    if unknown:
        log.debug("ignored the fields %s", ", ".join(unknown))

    def value(name: str) -> str:
        return fields[name][-1].strip() if fields.get(name) else ""

    language = _language(value("language"))
    candidates = () if language else tuple(_language(code) for code in _listed(value("languages")))
    diarize = boolean("diarize", value("diarize"), default=False)
    least, most = _speakers(value("min_speakers"), value("max_speakers")) if diarize else (None, None)
    return SixtyDbOrder(
        Options(
            language=language or None,
            languages=tuple(dict.fromkeys(code for code in candidates if code)),
            keywords=_keywords(value("keywords")),
            diarize=diarize,
            min_speakers=least,
            max_speakers=most,
            code_switching=not language,
            min_snr_db=LEAST_SNR_DB,
            normalize_script=boolean("script_correction", value("script_correction"), default=False),
        ),
        times=_wants_times(value("return_timestamps")),
        confidence=boolean("include_confidence", value("include_confidence"), default=False),
        context=_context(value("context")),
    )


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _language(code: str) -> str:
    """'' is for detection."""
    lowered = code.lower()
    if lowered in ("", "auto"):
        return ""
    if lowered not in LANGUAGES:
        message = f"There is no language {code[:20]!r} here: GET /stt/languages lists the 39. Nothing was charged."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, message)
    return lowered


def _speakers(least: str, most: str) -> tuple[int | None, int | None]:
    low, high = _count("min_speakers", least), _count("max_speakers", most)
    if low and high and low > high:
        raise _bad(f"min_speakers is {low} and max_speakers {high}, which is less.")
    return low, high


def _count(name: str, value: str) -> int | None:
    if not value:
        return None
    if not WHOLE.fullmatch(value) or int(value) > MOST_SPEAKERS:
        raise _bad(f"{name} must be a whole number up to {MOST_SPEAKERS}, not {value[:20]!r}.")
    return int(value) if int(value) > 0 else None


def _wants_times(value: str) -> bool:
    if value not in ("", "none", "word"):
        raise _bad(f"return_timestamps must be none or word, not {value[:20]!r}.")
    return value == "word"


def _keywords(text: str) -> tuple[Keyword, ...]:
    terms = _listed(text)
    if len(terms) > MOST_KEYWORDS:
        raise _bad(f"There are {len(terms)} keywords; at most {MOST_KEYWORDS} are taken.")
    try:
        return tuple(Keyword.parse(term) for term in terms)
    except ValueError as error:
        raise _bad(str(error)) from error


def _context(text: str) -> str:
    if len(text) > LONGEST_CONTEXT:
        raise _bad(f"context has {len(text)} characters; at most {LONGEST_CONTEXT} are taken.")
    return text


def _bad(sentence: str) -> ServiceError:
    return ServiceError(ErrorCode.INVALID_REQUEST, f"{sentence} Nothing was charged.")
