"""An operator's language model, behind any server that speaks OpenAI's chat API. Its word is checked, never trusted."""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from stt_site.lib import json_schema, outbound
from stt_site.lib.errors import ErrorCode, ServiceError

MAX_REPLY_BYTES = 4_000_000


def configured() -> bool:
    return bool(settings.LLM_URL)


def fill(schema: Mapping[str, Any], instructions: str, text: str) -> Any:
    """A value that is valid against `schema`. Raises MODEL_UNAVAILABLE where none is configured, none answers, or the
    answer is not what was asked for."""
    if not configured():
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, "This server has no language model. Nothing was charged.")
    reply = _asked(
        {
            "model": settings.LLM_MODEL,
            "temperature": 0,
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": text}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        }
    )
    try:
        value = json.loads(reply["choices"][0]["message"]["content"])
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _unavailable("did not answer with JSON") from error
    if (wrong := json_schema.problem(value, schema)) is not None:
        raise _unavailable(f"gave an answer that does not fit the schema ({wrong})")
    return value


def _asked(body: Mapping[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if settings.LLM_KEY:
        headers["Authorization"] = f"Bearer {settings.LLM_KEY}"
    patience = outbound.Limits(headers=settings.LLM_SECONDS, total=settings.LLM_SECONDS)
    address = f"{settings.LLM_URL.rstrip('/')}/chat/completions"
    try:
        with outbound.Client(trusted=True).open(
            "POST", address, headers=headers, body=json.dumps(body).encode(), limits=patience
        ) as answer:
            if answer.status != 200:
                raise _unavailable(f"answered with status {answer.status}")
            return json.loads(answer.read(MAX_REPLY_BYTES))
    except outbound.OutboundError as error:
        raise _unavailable("does not answer") from error
    except (ValueError, RecursionError) as error:
        raise _unavailable("did not answer with JSON") from error


def _unavailable(what: str) -> ServiceError:
    return ServiceError(ErrorCode.MODEL_UNAVAILABLE, f"The language model of this server {what}.")
