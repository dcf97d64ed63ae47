"""One table of what a request can be refused for. Each API renders a code in its own shape; none invents a status."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class ErrorCode(StrEnum):
    INVALID_REQUEST = "invalid_request"
    MISSING_FILE = "missing_file"
    EMPTY_FILE = "empty_file"
    UNSUPPORTED_MEDIA = "unsupported_media"
    NO_AUDIO_STREAM = "no_audio_stream"
    AUDIO_TOO_SHORT = "audio_too_short"
    UNSUPPORTED_CHANNELS = "unsupported_channels"
    TOO_MANY_CHANNELS = "too_many_channels"
    UNSUPPORTED_SAMPLE_RATE = "unsupported_sample_rate"
    MEDIA_TOO_LONG = "media_too_long"
    DECODE_FAILED = "decode_failed"
    DECODE_RESOURCE_LIMIT = "decode_resource_limit"
    INVALID_REFERENCE = "invalid_reference"
    URL_NOT_ALLOWED = "url_not_allowed"
    URL_NOT_FOUND = "url_not_found"
    URL_UNREACHABLE = "url_unreachable"
    UNKNOWN_MODEL = "unknown_model"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    NOT_SIGNED_IN = "not_signed_in"
    INVALID_API_KEY = "invalid_api_key"
    INSUFFICIENT_CREDITS = "insufficient_credits"
    KEY_CAP = "key_cap"
    NOT_IN_PLAN = "not_in_plan"
    MISSING_SCOPE = "missing_scope"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    NOT_READY = "not_ready"
    CONFLICT = "conflict"
    FILE_TOO_LARGE = "file_too_large"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    IDEMPOTENCY_IN_FLIGHT = "idempotency_in_flight"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    DAILY_LIMIT = "daily_limit"
    CONCURRENCY_LIMIT = "concurrency_limit"
    RATE_LIMIT = "rate_limit"
    CLIENT_CLOSED_REQUEST = "client_closed_request"
    MODEL_UNAVAILABLE = "model_unavailable"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    OVERLOADED = "overloaded"
    LEDGER_BROKEN = "ledger_broken"
    PAYMENT_UNAVAILABLE = "payment_unavailable"
    MAIL_UNAVAILABLE = "mail_unavailable"
    VOICE_UNAVAILABLE = "voice_unavailable"
    STORAGE_FULL = "storage_full"
    POISON = "poison"
    INTERNAL = "internal"


class Meaning(NamedTuple):
    status: int
    message: str


# The message is the fallback: the place that raises usually knows more and says more.
MEANINGS: dict[ErrorCode, Meaning] = {
    ErrorCode.INVALID_REQUEST: Meaning(400, "The request is not valid. Nothing was charged."),
    ErrorCode.MISSING_FILE: Meaning(400, "No file was sent: put the recording in the form field `file`."),
    ErrorCode.EMPTY_FILE: Meaning(400, "The file is empty. Nothing was charged."),
    ErrorCode.UNSUPPORTED_MEDIA: Meaning(
        400, "This is not an audio or video file that can be read. Nothing was charged."
    ),
    ErrorCode.NO_AUDIO_STREAM: Meaning(400, "The file has no audio track. Nothing was charged."),
    ErrorCode.AUDIO_TOO_SHORT: Meaning(
        400, "The file holds less than a tenth of a second of audio. Nothing was charged."
    ),
    ErrorCode.UNSUPPORTED_CHANNELS: Meaning(
        400, "The audio has more channels than can be mixed down. Nothing was charged."
    ),
    ErrorCode.TOO_MANY_CHANNELS: Meaning(
        400, "The audio has more than 8 channels, too many to take each for a speaker. Nothing was charged."
    ),
    ErrorCode.UNSUPPORTED_SAMPLE_RATE: Meaning(
        400, "The audio's sample rate is outside 4 to 384 kHz. Nothing was charged."
    ),
    ErrorCode.MEDIA_TOO_LONG: Meaning(400, "The audio is longer than allowed. Nothing was charged."),
    ErrorCode.DECODE_FAILED: Meaning(
        400, "The file is damaged: no audio could be decoded from it. Nothing was charged."
    ),
    ErrorCode.DECODE_RESOURCE_LIMIT: Meaning(
        400, "Decoding the file took more memory or time than allowed. Nothing was charged."
    ),
    ErrorCode.INVALID_REFERENCE: Meaning(
        400, "The recording of a known speaker cannot be used. Nothing was transcribed or charged."
    ),
    ErrorCode.URL_NOT_ALLOWED: Meaning(
        400,
        "This URL is not one that the server may open: it takes http and https URLs of public hosts. Nothing was "
        "charged.",
    ),
    ErrorCode.URL_NOT_FOUND: Meaning(400, "There is nothing to download at the URL. Nothing was charged."),
    # One sentence, whatever went wrong: it must not tell which ports of which hosts are open.
    ErrorCode.URL_UNREACHABLE: Meaning(
        400,
        "The recording could not be downloaded from its URL. Nothing was charged; see that the URL opens without "
        "signing in, then retry, or send the file itself.",
    ),
    ErrorCode.UNKNOWN_MODEL: Meaning(400, "There is no such model. GET /v1/models lists them."),
    ErrorCode.UNSUPPORTED_LANGUAGE: Meaning(400, "The language is not one that the model knows. Nothing was charged."),
    ErrorCode.NOT_SIGNED_IN: Meaning(401, "Sign in, or send an API key: Authorization: Bearer stt_live_…"),
    ErrorCode.INVALID_API_KEY: Meaning(401, "The API key is unknown, revoked or expired. Nothing was charged."),
    ErrorCode.INSUFFICIENT_CREDITS: Meaning(402, "No credits remaining. Upgrade your plan."),
    ErrorCode.KEY_CAP: Meaning(402, "This API key has spent its minutes of this month. Nothing was charged."),
    ErrorCode.NOT_IN_PLAN: Meaning(403, "Your plan does not include this."),
    ErrorCode.MISSING_SCOPE: Meaning(403, "This API key may not do that. Make a key with the scope that it needs."),
    ErrorCode.NOT_FOUND: Meaning(404, "There is nothing here, or it is not yours."),
    ErrorCode.METHOD_NOT_ALLOWED: Meaning(405, "This address does not take that method."),
    ErrorCode.REQUEST_TIMEOUT: Meaning(
        408, "The upload stopped or came too slowly. Nothing was stored or charged; send it again."
    ),
    ErrorCode.NOT_READY: Meaning(409, "The transcript is not ready yet. Ask again when its status is completed."),
    ErrorCode.CONFLICT: Meaning(409, "The request does not fit the present state. Read it again, then retry."),
    ErrorCode.FILE_TOO_LARGE: Meaning(413, "The file is larger than your plan allows. Nothing was charged."),
    ErrorCode.UNSUPPORTED_CONTENT_TYPE: Meaning(415, "Send the request as multipart/form-data."),
    ErrorCode.IDEMPOTENCY_IN_FLIGHT: Meaning(
        409, "The first request with this Idempotency-Key is still being answered. Retry in a moment."
    ),
    ErrorCode.IDEMPOTENCY_MISMATCH: Meaning(
        422, "This Idempotency-Key was used for another request. Nothing was done; use a new key."
    ),
    ErrorCode.DAILY_LIMIT: Meaning(
        429, "The free transcriptions of today are used up. Sign up, or come back tomorrow."
    ),
    ErrorCode.CONCURRENCY_LIMIT: Meaning(429, "Too many transcriptions at once. Wait for one to end, then retry."),
    ErrorCode.RATE_LIMIT: Meaning(429, "Too many requests. Wait a moment, then retry."),
    ErrorCode.CLIENT_CLOSED_REQUEST: Meaning(499, "You left before the result was there. Nothing was charged."),
    ErrorCode.MODEL_UNAVAILABLE: Meaning(503, "The model is not installed on this server. Nothing was charged."),
    ErrorCode.ENGINE_UNAVAILABLE: Meaning(
        503, "The transcription engine is not running. Nothing was charged; retry soon."
    ),
    ErrorCode.OVERLOADED: Meaning(
        503, "The server follows as many live streams as it can. Nothing was charged; try again in a moment."
    ),
    ErrorCode.LEDGER_BROKEN: Meaning(
        503,
        "The credit ledger did not pass its check, so no new work is accepted. Nothing was charged; "
        "the server's administrator finds the reason in the log.",
    ),
    ErrorCode.PAYMENT_UNAVAILABLE: Meaning(
        503, "The payment provider does not answer. Nothing was charged; try again in a moment."
    ),
    ErrorCode.MAIL_UNAVAILABLE: Meaning(
        503, "The mail server does not answer, so no message was sent. Ask for it again in a few minutes."
    ),
    ErrorCode.VOICE_UNAVAILABLE: Meaning(503, "This server cannot speak. Nothing was charged."),
    ErrorCode.STORAGE_FULL: Meaning(507, "The server's disk is full. Nothing was stored or charged."),
    ErrorCode.POISON: Meaning(500, "Transcribing this file stopped the engine several times. Nothing was charged."),
    ErrorCode.INTERNAL: Meaning(
        500, "Something went wrong on the server. Nothing was charged; the log has the details."
    ),
}


RETRY_SECONDS = 30


class ServiceError(Exception):
    """A refusal that a caller can read. `retry_after` is in seconds; "not now" always comes with one. `details` are
    the sentence's numbers, for APIs that give them apart."""

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        *,
        retry_after: int | None = None,
        details: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message or MEANINGS[code].message)
        self.code = code
        self.message = message or MEANINGS[code].message
        self.details = details or {}
        self.retry_after = RETRY_SECONDS if retry_after is None and MEANINGS[code].status == 503 else retry_after
        self.request_id = ""
        """Of the request that is refused, for the bodies that name it. Whoever renders the refusal sets it."""

    @property
    def status(self) -> int:
        return MEANINGS[self.code].status
