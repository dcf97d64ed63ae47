"""A model that writes: the operator's server where one is named, else the one inside the engine. Its word is checked,
never trusted."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from django.conf import settings

from engine.text.types import Message
from stt_site.lib import json_schema
from stt_site.lib.db import release_connection
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services.language_model import inside, server
from transcripts.services.language_model.errors import Unfit, unavailable
from transcripts.services.language_model.pieces import CUT, capped, without_thoughts
from transcripts.services.prompts import prompt

TRIES = 2
"""Of an answer that has to fit a schema."""
MOST_TOKENS = 4_000
"""Of an answer for which nobody says less."""
HOW_TO_HAVE_ONE = (
    "Its operator names a server that speaks OpenAI's chat API (STT_LLM_URL), or installs a model with "
    f"`manage.py models fetch {inside.MODEL}`."
)

__all__ = ["HOW_TO_HAVE_ONE", "complete", "fill", "missing", "name", "something", "stream"]


def name() -> str | None:
    """Which one answers; None: this server has none. Raises ENGINE_UNAVAILABLE where nobody can tell."""
    return server.name() if settings.LLM_URL else inside.name()


def missing(what: str = "This") -> ServiceError:
    message = f"{what} takes a language model, and this server has none. {HOW_TO_HAVE_ONE} Nothing was charged."
    return ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def stream(messages: Sequence[Message], *, most_tokens: int = MOST_TOKENS) -> Generator[str]:
    """The answer as it is written; who closes the iterator stops the writing. One that grows too long ends with […].
    Raises MODEL_UNAVAILABLE, at once where there is none, and in the middle of an answer that breaks off."""
    return _stream(messages, most_tokens, None)


def complete(messages: Sequence[Message], *, most_tokens: int = MOST_TOKENS) -> str:
    """Never empty. Raises MODEL_UNAVAILABLE."""
    return _whole(_stream(messages, most_tokens, None))


def fill(schema: Mapping[str, Any], instructions: str, text: str, *, most_tokens: int = MOST_TOKENS) -> Any:
    """A value that is valid against `schema`. Raises MODEL_UNAVAILABLE where there is no model or none answers; Unfit,
    which is the same, where the answer is not what was asked for, twice."""
    system = f"{instructions}\n\n{prompt('json', schema=json.dumps(schema, ensure_ascii=False))}"
    messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    wrong = ""
    for _ in range(TRIES):
        answer = _whole(_stream(messages, most_tokens, schema))
        try:
            value = json.loads(_unfenced(answer))
        except (ValueError, RecursionError):
            wrong = "no JSON"
        else:
            wrong = json_schema.problem(value, schema) or ""
            if not wrong:
                return value
        again = prompt("json_again", wrong=wrong)
        messages[2:] = [{"role": "assistant", "content": answer[:2_000]}, {"role": "user", "content": again}]
    raise Unfit(wrong)


def _stream(messages: Sequence[Message], most_tokens: int, schema: Mapping[str, Any] | None) -> Generator[str]:
    if settings.LLM_URL:
        pieces = server.stream(messages, most_tokens, schema)
    elif inside.name() is not None:
        pieces = inside.stream(messages, most_tokens)
    else:
        raise missing()
    release_connection()
    return something(without_thoughts(capped(pieces, most_tokens)))


def something(pieces: Generator[str]) -> Generator[str]:
    """Raises MODEL_UNAVAILABLE at the end of an answer that is blank."""
    silent = True
    with closing(pieces):
        for piece in pieces:
            silent = silent and piece.strip() in ("", CUT.strip())
            yield piece
    if silent:
        raise unavailable("answered nothing")


def _whole(pieces: Generator[str]) -> str:
    return "".join(pieces).strip()


def _unfenced(answer: str) -> str:
    """Without the ```json around it that some models cannot leave out."""
    if answer.startswith("```") and answer.endswith("```"):
        return answer[3:-3].removeprefix("json").strip()
    return answer
