from typing import Any

from stt_site.lib.errors import MEANINGS, ErrorCode, ServiceError
from transcripts.api.dialects.base import Refusal

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "payload_too_large",
    429: "rate_limit_error",
    500: "internal_error",
    503: "service_unavailable",
    507: "service_unavailable",
}
"""Whose status is not here is an invalid request too: the vendor's clients know no other name for it."""
CODES = {
    ErrorCode.MISSING_FILE: "missing_audio",
    ErrorCode.NOT_SIGNED_IN: "invalid_api_key",
    ErrorCode.INSUFFICIENT_CREDITS: "insufficient_quota",
    ErrorCode.KEY_CAP: "insufficient_quota",
    ErrorCode.UNKNOWN_MODEL: "model_not_found",
    ErrorCode.FILE_TOO_LARGE: "payload_too_large",
    ErrorCode.RATE_LIMIT: "rate_limit_exceeded",
    ErrorCode.INTERNAL: "internal_error",
}
"""The vendor's own words; every other code is the product's."""


class UnsupportedTask(ServiceError):
    """A task of the vendor that is none of a speech server's."""

    def __init__(self, task: str, known: str) -> None:
        message = f"There is no task {task[:40]!r} on this server: the tasks are {known}. Nothing was charged."
        super().__init__(ErrorCode.INVALID_REQUEST, message)


class InterfazeRefusal(Refusal):
    """`{"error": {message, type, code, request_id}}`: OpenAI's shape and an id."""

    statuses = {code: meaning.status for code, meaning in MEANINGS.items()} | {ErrorCode.UNKNOWN_MODEL: 404}

    def body(self, error: ServiceError) -> dict[str, Any]:
        code = "unsupported_task" if isinstance(error, UnsupportedTask) else CODES.get(error.code, error.code.value)
        kind = TYPES.get(self.status(error), "invalid_request_error")
        return {"error": {"message": error.message, "type": kind, "code": code, "request_id": error.request_id}}
