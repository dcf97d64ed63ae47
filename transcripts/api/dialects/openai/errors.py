"""`{"error": {"message", "type", "param", "code"}}`: the clients choose their exception by status, programs by code."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from transcripts.api.dialects.base import Refusal

MAX_FILE_BYTES = 26_214_400
EXTENSIONS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
UNREADABLE = "Invalid file format."
"""What programs look for at the start of the message."""


class Kind(NamedTuple):
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None


_QUOTA = Kind("insufficient_quota", code="insufficient_quota")
_RATE = Kind("rate_limit_exceeded", code="rate_limit_exceeded")
_KEY = Kind(code="invalid_api_key")
_LENGTH = Kind(code="invalid_value")
KINDS: Mapping[ErrorCode, Kind] = {
    ErrorCode.MISSING_FILE: Kind(param="file"),
    ErrorCode.AUDIO_TOO_SHORT: _LENGTH,
    ErrorCode.MEDIA_TOO_LONG: _LENGTH,
    ErrorCode.INVALID_REFERENCE: Kind(param="known_speaker_references", code="invalid_value"),
    ErrorCode.UNKNOWN_MODEL: Kind(code="model_not_found"),
    ErrorCode.UNSUPPORTED_LANGUAGE: Kind(param="language", code="invalid_language_format"),
    ErrorCode.NOT_SIGNED_IN: _KEY,
    ErrorCode.INVALID_API_KEY: _KEY,
    ErrorCode.INSUFFICIENT_CREDITS: _QUOTA,
    ErrorCode.KEY_CAP: _QUOTA,
    ErrorCode.DAILY_LIMIT: _RATE,
    ErrorCode.CONCURRENCY_LIMIT: _RATE,
    ErrorCode.RATE_LIMIT: _RATE,
    ErrorCode.FILE_TOO_LARGE: Kind("server_error"),
}
PREFIXES: Mapping[ErrorCode, str] = {
    ErrorCode.UNSUPPORTED_MEDIA: f"{UNREADABLE} Supported formats: {list(EXTENSIONS)}. ",
    ErrorCode.NO_AUDIO_STREAM: f"{UNREADABLE} ",
    ErrorCode.EMPTY_FILE: f"{UNREADABLE} ",
    ErrorCode.DECODE_FAILED: f"{UNREADABLE} ",
    ErrorCode.FILE_TOO_LARGE: f"Maximum content size limit ({MAX_FILE_BYTES}) exceeded. ",
}
POINTLESS = {ErrorCode.INSUFFICIENT_CREDITS, ErrorCode.KEY_CAP, ErrorCode.POISON}
"""The clients repeat every 429 and 500; what these say stays true."""


class Invalid(ServiceError):
    """A field that will not do: `param` is its name, `reason` the vendor's code."""

    def __init__(self, param: str, message: str, reason: str | None = None) -> None:
        super().__init__(ErrorCode.INVALID_REQUEST, f"{message} Nothing was charged.")
        self.kind = Kind(param=param, code=reason)


class OpenAIRefusal(Refusal):
    statuses = {
        **{code: meaning.status for code, meaning in MEANINGS.items()},
        ErrorCode.UNKNOWN_MODEL: 404,
        ErrorCode.INSUFFICIENT_CREDITS: 429,
        ErrorCode.KEY_CAP: 429,
    }

    def body(self, error: ServiceError) -> dict[str, Any]:
        kind = self._kind(error)
        message = PREFIXES.get(error.code, "") + error.message
        return {"error": {"message": message, "type": kind.type, "param": kind.param, "code": kind.code}}

    def headers(self, error: ServiceError) -> dict[str, str]:
        headers = super().headers(error)
        return {**headers, "x-should-retry": "false"} if error.code in POINTLESS else headers

    def _kind(self, error: ServiceError) -> Kind:
        if isinstance(error, Invalid):
            return error.kind
        return KINDS.get(error.code, Kind() if self.status(error) < 500 else Kind("server_error"))
