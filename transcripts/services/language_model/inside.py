"""The model inside the engine."""

from collections.abc import Generator, Sequence

from engine.text.types import TextModels
from transcripts import engine_gateway
from transcripts.services.language_model.pieces import Message

MODEL = "qwen2.5-1.5b-instruct"


def name() -> str | None:
    return text_models().writer


def text_models() -> TextModels:
    found: TextModels = getattr(engine_gateway.status(), "text", TextModels())
    return found


def stream(messages: Sequence[Message], most_tokens: int) -> Generator[str]:
    # One more than may be said: an answer that was cut off shows that it was.
    write = getattr(engine_gateway, "write")  # noqa: B009
    yield from write(messages, most_tokens=most_tokens + 1, temperature=0.0, stop=())
