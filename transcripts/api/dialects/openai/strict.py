"""What OpenAI's own service refuses, for programs that are tested here and will run there (STT_OPENAI_STRICT)."""

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.openai.errors import EXTENSIONS, Invalid

if TYPE_CHECKING:
    from transcripts.api.dialects.openai.request import OpenAIOrder

MAX_SECONDS = 1400.0
"""Of the gpt models."""


def checked(order: "OpenAIOrder", *, has_chunking: bool) -> "OpenAIOrder":
    """Raises Invalid. whisper-1 does not stream there, and says so by not streaming."""
    if not order.bills_tokens:
        if order.logprobs:
            raise Invalid("include", f"{order.model} gives no logprobs.", "unsupported_value")
        return replace(order, stream=False)
    diarizes = order.model.endswith("-diarize")
    if diarizes and not has_chunking:
        raise Invalid("chunking_strategy", "chunking_strategy is required for diarization models.", "invalid_value")
    allowed = ("json", "text", "diarized_json") if diarizes else ("json", "text")
    if order.format not in allowed:
        message = (
            f"response_format '{order.format}' is not compatible with model '{order.model}'. "
            f"Use {' or '.join(repr(name) for name in allowed)} instead."
        )
        raise Invalid("response_format", message, "unsupported_value")
    return order


def check_name(filename: str) -> None:
    """There the extension decides, here the bytes do."""
    if PurePath(filename).suffix.lower().lstrip(".") not in EXTENSIONS:
        raise ServiceError(ErrorCode.UNSUPPORTED_MEDIA)
