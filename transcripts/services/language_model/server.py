"""The operator's server, which speaks OpenAI's chat API."""

import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from engine.text.types import Message
from stt_site.lib import outbound
from transcripts.services.language_model.errors import unavailable
from transcripts.services.language_model.pieces import CUT

logger = logging.getLogger(__name__)
MAX_REPLY_BYTES = 4_000_000
SPEAKS_NO_SCHEMA = (400, 422)


def name() -> str:
    return settings.LLM_MODEL or outbound.host_of(settings.LLM_URL)


def stream(messages: Sequence[Message], most_tokens: int, schema: Mapping[str, Any] | None) -> Generator[str]:
    """Raises MODEL_UNAVAILABLE, also when the answer breaks off. Left before its end, it closes the connection."""
    body: dict[str, Any] = {"messages": messages, "temperature": 0, "max_tokens": most_tokens, "stream": True}
    if settings.LLM_MODEL:
        body["model"] = settings.LLM_MODEL
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    try:
        with _opened(body) as answer:
            if answer.status == 200:
                yield from _said(answer)
                return
            if schema is None or answer.status not in SPEAKS_NO_SCHEMA:
                raise unavailable(f"answered with status {answer.status}")
        # The schema is in the prompt too.
        yield from stream(messages, most_tokens, None)
    except outbound.TooLarge as error:
        raise unavailable("says more than anybody could read") from error
    except outbound.OutboundError as error:
        logger.warning("The language model at %s: %s", outbound.host_of(settings.LLM_URL), error)
        raise unavailable("does not answer, or broke off in the middle of its answer") from error


def _opened(body: Mapping[str, Any]) -> AbstractContextManager[outbound.Answer]:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
    if settings.LLM_KEY:
        headers["Authorization"] = f"Bearer {settings.LLM_KEY}"
    patience = outbound.Limits(headers=settings.LLM_SECONDS, total=settings.LLM_SECONDS)
    address = f"{settings.LLM_URL.rstrip('/')}/chat/completions"
    sent = json.dumps(body).encode()
    return outbound.Client(trusted=True).open("POST", address, headers=headers, body=sent, limits=patience)


def _said(answer: outbound.Answer) -> Generator[str]:
    if "text/event-stream" not in answer.headers.get("content-type", ""):
        # Some servers do not know `stream`.
        said, _ = _read(answer.read(MAX_REPLY_BYTES), "message")
        yield said
        return
    for event in _events(answer):
        said, ended = _read(event, "delta")
        if said:
            yield said
        if ended:
            return
    raise unavailable("broke off in the middle of its answer")


def _read(event: bytes, where: str) -> tuple[str, bool]:
    """What it says, and whether that was the last of it."""
    if event == b"[DONE]":
        return "", True
    try:
        body = json.loads(event)
        if "error" in body:
            raise unavailable("broke off in the middle of its answer, with an error of its own")
        if not body["choices"]:
            return "", False
        [choice] = body["choices"][:1]
        said, reason = choice[where].get("content") or "", choice.get("finish_reason")
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise unavailable("did not answer as OpenAI's chat API does") from error
    if not isinstance(said, str):
        raise unavailable("did not answer with text")
    return said + (CUT if reason == "length" else ""), reason is not None


def _events(answer: outbound.Answer) -> Iterator[bytes]:
    """What stands behind each `data:`."""
    size, rest = 0, b""
    for piece in answer.pieces():
        size += len(piece)
        if size > MAX_REPLY_BYTES:
            raise outbound.TooLarge(f"more than {MAX_REPLY_BYTES} bytes")
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()
