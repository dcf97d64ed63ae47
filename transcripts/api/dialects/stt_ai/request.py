"""Form fields to a TranscriptionOrder. An empty value means that the field is absent; unknown fields are ignored."""

import logging
from collections.abc import Mapping, Sequence

from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.base import TranscriptionOrder
from transcripts.api.dialects.fields import boolean, integer
from transcripts.selectors import Catalogue

log = logging.getLogger(__name__)

FIELDS = ("file", "model", "language", "diarize", "speakers", "response_format")
FORMATS = {"json": "json", "verbose_json": "json", "txt": "txt", "text": "txt", "srt": "srt", "vtt": "vtt"}
MAX_SPEAKERS = 50


def parse(fields: Mapping[str, Sequence[str]], catalogue: Catalogue) -> TranscriptionOrder:
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        log.debug("ignored the fields %s", ", ".join(unknown))

    def value(name: str) -> str:
        return fields[name][-1].strip() if fields.get(name) else ""

    return TranscriptionOrder(
        options=Options(model=_model(value("model"), catalogue), language=_language(value("language"), catalogue)),
        format=_format(value("response_format")),
        diarize=boolean("diarize", value("diarize"), default=True),
        speakers=integer("speakers", value("speakers"), default=0, least=0, most=MAX_SPEAKERS),
    )


def _model(name: str, catalogue: Catalogue) -> str | None:
    if not name:
        return None
    if not catalogue.knows_model(name):
        ids = ", ".join(model.id for model in catalogue.models)
        raise ServiceError(
            ErrorCode.UNKNOWN_MODEL, f"There is no model {name[:60]!r}. Choose one of: {ids}. Nothing was charged."
        )
    return name


def _language(name: str, catalogue: Catalogue) -> str | None:
    if not name or name.lower() == "auto":
        return None
    code = catalogue.language_code(name)
    if code is None:
        raise ServiceError(
            ErrorCode.UNSUPPORTED_LANGUAGE,
            f"There is no language {name[:20]!r}: send an ISO 639-1 code such as en, or auto. "
            "GET /v1/languages lists them. Nothing was charged.",
        )
    return code


def _format(name: str) -> str:
    known = FORMATS.get(name.lower() or "json")
    if known is None:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST,
            f"There is no response_format {name[:20]!r}: choose json, txt, srt or vtt. Nothing was charged.",
        )
    return known
