"""Form fields to a TranscriptionOrder. An empty value means that the field is absent; unknown fields are ignored."""

import logging
from collections.abc import Mapping, Sequence

from engine.types import Channels, Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.base import TranscriptionOrder
from transcripts.api.fields import boolean, integer

log = logging.getLogger(__name__)

PARAMETERS = {
    "POST /v1/transcribe": ("file", "model", "language", "diarize", "speakers", "response_format", "channels"),
    "POST /v1/enhance-audio": ("file",),
    "POST /v1/tts": ("reference", "text", "consent"),
    "POST /v1/stream/token": ("max_seconds",),
    "POST /v1/summarize": ("text", "style"),
    "POST /v1/translate": ("text", "texts", "target", "source"),
    "POST /v1/analyze": ("text", "type"),
    "POST /v1/generate": ("text", "type", "prompt"),
    "POST /v1/embed": ("texts",),
}
FORMATS = {"json": "json", "verbose_json": "json", "txt": "txt", "text": "txt", "srt": "srt", "vtt": "vtt"}
CHANNELS: dict[str, Channels] = {"": "mix", "mix": "mix", "speakers": "speakers"}
MAX_SPEAKERS = 50


def parse(fields: Mapping[str, Sequence[str]]) -> TranscriptionOrder:
    unknown = sorted(set(fields) - set(PARAMETERS["POST /v1/transcribe"]))
    if unknown:
        log.debug("ignored the fields %s", ", ".join(unknown))

    def value(name: str) -> str:
        return fields[name][-1].strip() if fields.get(name) else ""

    language = value("language")
    diarize = boolean("diarize", value("diarize"), default=True)
    speakers = integer("speakers", value("speakers"), default=0, least=0, most=MAX_SPEAKERS)
    return TranscriptionOrder(
        options=Options(
            model=value("model") or None,
            language=None if language.lower() in ("", "auto") else language,
            channels=_channels(value("channels")),
            diarize=diarize,
            speakers=speakers or None if diarize else None,
        ),
        format=_format(value("response_format")),
        diarize=diarize,
        speakers=speakers,
    )


def _format(name: str) -> str:
    known = FORMATS.get(name.lower() or "json")
    if known is None:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST,
            f"There is no response_format {name[:20]!r}: choose json, txt, srt or vtt. Nothing was charged.",
        )
    return known


def _channels(name: str) -> Channels:
    known = CHANNELS.get(name.lower())
    if known is None:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST,
            f"channels must be mix or speakers, not {name[:20]!r}. Nothing was charged.",
        )
    return known
