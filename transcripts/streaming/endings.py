"""What ends a stream before its client does."""

from stt_site.lib.errors import ErrorCode

ENDINGS: dict[str, tuple[int, str, ErrorCode]] = {
    "max_duration": (4410, "The stream has reached its longest duration. Its text is complete.", ErrorCode.NOT_IN_PLAN),
    "insufficient_credits": (
        4402,
        "No credits remaining. The text so far is complete, and only the audio that came was charged.",
        ErrorCode.INSUFFICIENT_CREDITS,
    ),
    "unauthorized": (
        4401,
        "The API key was revoked or the account closed. The text so far is complete.",
        ErrorCode.INVALID_API_KEY,
    ),
    "audio_too_fast": (
        4413,
        "The audio came much faster than it was spoken. Its text so far is complete. Slow down, or send a file.",
        ErrorCode.INVALID_REQUEST,
    ),
    "no_audio": (4408, "No audio came for 30 seconds. Nothing was charged.", ErrorCode.REQUEST_TIMEOUT),
}
"""Close code, sentence and error of each."""
