"""The model inside the engine."""

from collections.abc import Generator, Sequence

from engine.text.types import Message
from transcripts import engine_gateway
from transcripts.services.language_model.pieces import CUT

MODEL = "qwen2.5-1.5b-instruct"


def name() -> str | None:
    return engine_gateway.status().text.writer


def stream(messages: Sequence[Message], most_tokens: int) -> Generator[str]:
    # One more than may be said: one that ends just there was not cut off.
    cut = yield from engine_gateway.write(messages, most_tokens=most_tokens + 1)
    if cut:
        yield CUT
