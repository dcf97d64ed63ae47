from typing import Any

from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from transcripts.api.dialects.base import Refusal

FORMAT = (
    ErrorCode.EMPTY_FILE,
    ErrorCode.UNSUPPORTED_MEDIA,
    ErrorCode.NO_AUDIO_STREAM,
    ErrorCode.UNSUPPORTED_CHANNELS,
    ErrorCode.TOO_MANY_CHANNELS,
    ErrorCode.UNSUPPORTED_SAMPLE_RATE,
    ErrorCode.DECODE_FAILED,
    ErrorCode.DECODE_RESOURCE_LIMIT,
)
BY_CODE = {
    **dict.fromkeys(FORMAT, "UNSUPPORTED_FORMAT"),
    ErrorCode.UNSUPPORTED_LANGUAGE: "UNSUPPORTED_LANGUAGE",
    ErrorCode.CONCURRENCY_LIMIT: "STT_CONCURRENCY_LIMIT",
    ErrorCode.STORAGE_FULL: "STT_UPSTREAM_UNAVAILABLE",
}
BY_STATUS = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHENTICATED",
    402: "INSUFFICIENT_CREDITS",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "STT_UPSTREAM_RATE_LIMIT",
    499: "STT_CLIENT_CANCELLED",
    500: "INTERNAL_ERROR",
    503: "STT_UPSTREAM_UNAVAILABLE",
}


class SixtyDbRefusal(Refusal):
    """`{"success": false, "message", "error_code", "details"}`. Codes that 60db has no word for keep our own."""

    statuses = {code: 503 if meaning.status == 507 else meaning.status for code, meaning in MEANINGS.items()}

    def body(self, error: ServiceError) -> dict[str, Any]:
        return {
            "success": False,
            "message": error.message,
            "error_code": self._code(error),
            "details": dict(error.details),
        }

    def _code(self, error: ServiceError) -> str:
        if error.code is ErrorCode.INSUFFICIENT_CREDITS and error.details.get("available_mc") == 0:
            return "ZERO_BALANCE"
        return BY_CODE.get(error.code) or BY_STATUS.get(self.status(error)) or error.code.upper()
