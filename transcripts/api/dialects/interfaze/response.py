"""A chat completion, whole or in pieces."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from transcripts.api.dialects.interfaze.facts import Facts, Translation, precontext, stt_result, translate_result
from transcripts.api.dialects.interfaze.request import ChatOrder

TOKENS_PER_SECOND = 25
BYTES_PER_TOKEN = 4
"""Both are estimates; nothing here is charged by tokens."""
DELTA_CHARACTERS = 200


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Completion:
    """`content` as the caller reads it; `duration` in seconds of audio."""

    order: ChatOrder
    content: str
    duration: float = 0.0
    precontext: list[dict[str, Any]] | None = None
    made_ms: int = field(default_factory=_now_ms)

    @property
    def head(self) -> dict[str, Any]:
        return {"id": f"interfaze-{self.made_ms}", "created": self.made_ms // 1000, "model": self.order.model}

    @property
    def usage(self) -> dict[str, int]:
        prompt = _tokens(self.order.prompt) + math.ceil(TOKENS_PER_SECOND * self.duration)
        written = _tokens(self.content)
        if self.precontext is not None:
            written += _tokens(dumped(self.precontext))
        return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def content_of(order: ChatOrder, facts: Facts, filled: Any) -> str:
    """`filled`: the schema's value, where there is one."""
    if order.shape == "schema":
        return dumped(filled)
    if order.shape == "task":
        translated = order.task == "translate" and facts.translation is not None
        result = translate_result(facts.translation) if translated and facts.translation else stt_result(facts)
        return dumped({"name": order.task, "result": result})
    text = (facts.translation.text if facts.translation else facts.text) or ""
    if order.shape == "text":
        return text
    chunks = stt_result(facts)["chunks"]
    return dumped({"text": text, "language": facts.language, "duration": facts.duration, "chunks": chunks})


def completion_of(order: ChatOrder, facts: Facts, filled: Any) -> Completion:
    raw = None if order.shape == "task" else precontext(facts)
    return Completion(order, content_of(order, facts, filled), facts.duration, raw)


def of_translation(order: ChatOrder, made: Translation) -> Completion:
    """Of a text: there is no recording that more could be said of."""
    result = translate_result(made)
    return Completion(order, dumped({"name": "translate", "result": result}) if order.shape == "task" else made.text)


def as_json(done: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": done.content}
    body: dict[str, Any] = {
        **done.head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": done.usage,
        "vcache": False,
    }
    if done.precontext is not None:
        body["precontext"] = done.precontext
    return body


def delta(head: dict[str, Any], content: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": content, "finish_reason": finish_reason}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def as_deltas(done: Completion) -> Iterator[dict[str, Any]]:
    """All that is said of what is finished, the raw results first where they were asked for."""
    said: list[str] = []
    if done.order.show_precontext and done.precontext is not None:
        said.append(f"<precontext> {dumped(done.precontext)} </precontext>")
    said += [done.content[at : at + DELTA_CHARACTERS] for at in range(0, len(done.content), DELTA_CHARACTERS)]
    for number, text in enumerate(said or [""]):
        yield delta(done.head, {"role": "assistant", "content": text} if number == 0 else {"content": text})
    yield from ending(done, done.head)


def ending(done: Completion, head: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`head`: of the deltas before it."""
    yield delta(head, {}, "stop")
    if done.order.include_usage:
        yield {**head, "object": "chat.completion.chunk", "choices": [], "usage": done.usage}
