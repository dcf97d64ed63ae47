"""A chat request to what is to be done with which recording."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stt_site.lib import json_schema
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.interfaze.errors import UnsupportedTask
from transcripts.api.dialects.interfaze.prompt import (
    GUARDS,
    TASKS,
    Wishes,
    guards_of,
    task_of,
    urls_of,
    wishes_of,
)

log = logging.getLogger(__name__)

PARAMETERS = {
    "POST /v1/chat/completions": (
        "model",
        "messages",
        "messages.role",
        "messages.content",
        "messages.content.text",
        "messages.content.file",
        "messages.content.file.filename",
        "messages.content.file.file_data",
        "messages.content.input_audio",
        "messages.content.input_audio.data",
        "messages.content.image_url",
        "response_format",
        "response_format.json_schema",
        "response_format.json_schema.schema",
        "stream",
        "stream_options.include_usage",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "n",
        "x-show-additional-info",
    ),
}
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
NUMBERS: Mapping[str, tuple[float, float]] = {
    "max_tokens": (1, 32_000),
    "max_completion_tokens": (1, 32_000),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "n": (1, 1),
}
MODEL = "interfaze-beta"
MAX_URLS = 3
"""Of a prompt's text, that are tried in turn until one is a recording."""

Kind = Literal["url", "base64"]
Shape = Literal["text", "object", "schema", "task"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a recording is: its address, or its base64, long ones by the gate's token."""

    kind: Kind
    value: str
    filename: str = ""


@dataclass(frozen=True, slots=True)
class ChatOrder:
    """`sources`: to be tried in turn. `prompt`: everything that was said, without tags."""

    model: str
    shape: Shape
    schema: json_schema.Schema
    task: str
    sources: tuple[Source, ...]
    wishes: Wishes
    prompt: str
    stream: bool
    include_usage: bool
    show_precontext: bool


@dataclass(frozen=True, slots=True)
class _Said:
    role: str
    text: str
    sources: tuple[Source, ...]
    has_image: bool


def parse(document: Any, headers: Mapping[str, str], languages: Mapping[str, str]) -> ChatOrder:
    """`languages`: code to lower-case English name. Raises ServiceError."""
    if not isinstance(document, dict):
        raise _wrong("The body must be a JSON object")
    said = [_said(message) for message in _list(document, "messages")]
    system = "\n".join(each.text for each in said if each.role in ("system", "developer"))
    asked = "\n".join(each.text for each in said if each.role == "user")
    for name, (least, most) in NUMBERS.items():
        _check_number(document, name, least, most)
    _check_guards(f"{system}\n{asked}")
    shape, schema = _format(document.get("response_format"))
    task = _task(system)
    if task and shape != "schema":
        shape = "task"
    return ChatOrder(
        model=_model(document.get("model")),
        shape=shape,
        schema=schema,
        task=task or "speech_to_text",
        sources=_sources(said, asked, needed=task != "translate"),
        wishes=wishes_of(f"{system}\n{asked}", languages),
        prompt=asked.strip(),
        stream=_flag(document, "stream"),
        include_usage=_flag(document.get("stream_options") or {}, "include_usage"),
        show_precontext=headers.get("x-show-additional-info", "").lower() == "true",
    )


def _model(name: object) -> str:
    if name in (None, ""):
        return MODEL
    if not isinstance(name, str) or not name.startswith("interfaze-"):
        message = f"There is no model {str(name)[:40]!r} at this address: name {MODEL}. Nothing was charged."
        raise ServiceError(ErrorCode.UNKNOWN_MODEL, message)
    return name


def _said(message: object) -> _Said:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise _wrong(f"Each of messages needs a role of {', '.join(sorted(ROLES))}")
    content = message.get("content")
    if content is None or isinstance(content, str):
        return _Said(message["role"], content or "", (), has_image=False)
    if not isinstance(content, list):
        raise _wrong("The content of a message is a text or a list of parts")
    texts, sources, has_image = [], [], False
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "refusal"):
            texts.append(_string(part, kind))
        elif kind in ("file", "input_audio"):
            sources.append(_source(part, kind))
        elif kind == "image_url":
            has_image = True
        else:
            raise _wrong(f"A part of a message is text, file, input_audio or image_url, not {str(kind)[:40]!r}")
    return _Said(message["role"], "\n".join(texts), tuple(sources), has_image)


def _source(part: Mapping[str, Any], kind: str) -> Source:
    inner = part.get(kind)
    if not isinstance(inner, dict):
        raise _wrong(f"A part of type {kind} holds an object {kind}")
    # Only the bytes are believed: the vendor's own clients call an MP3 `mpeg`, or anything `wav`.
    data = _string(inner, "file_data" if kind == "file" else "data").strip()
    filename = inner.get("filename")
    name = filename if isinstance(filename, str) else ""
    if data[:8].lower().startswith(("http://", "https://")):
        return Source("url", data, name)
    if data[:5].lower() == "data:":
        head, comma, data = data.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise _wrong("A data URI must be base64: data:audio/wav;base64,…")
    if not data:
        raise ServiceError(ErrorCode.EMPTY_FILE)
    return Source("base64", data, name)


def _sources(said: Sequence[_Said], asked: str, *, needed: bool) -> tuple[Source, ...]:
    found = [source for each in said for source in each.sources]
    if len(found) > 1:
        raise _wrong("Send one recording a request")
    if found:
        return (found[0],)
    named = tuple(Source("url", url) for url in urls_of(asked)[:MAX_URLS])
    if needed and not named:
        only = "a picture and no" if any(each.has_image for each in said) else "no"
        message = (
            f"The messages hold {only} recording: send a part of type input_audio or file, or write its URL into the "
            "prompt. Nothing was charged."
        )
        raise ServiceError(ErrorCode.MISSING_FILE, message)
    return named


def _task(system: str) -> str | None:
    task = task_of(system)
    if task is not None and task not in TASKS:
        raise UnsupportedTask(task, " and ".join(TASKS))
    return task


def _check_guards(text: str) -> None:
    codes = guards_of(text)
    unknown = [code for code in codes if code not in GUARDS]
    if unknown:
        raise _wrong(f"There is no guard {unknown[0][:20]!r}")
    if codes:
        message = (
            "This server has no safety model, so it cannot guard. Nothing was transcribed or charged; "
            "send the request without the guard tag."
        )
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def _format(wanted: object) -> tuple[Shape, json_schema.Schema]:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if wanted is None or kind == "text":
        return "text", {}
    if kind == "json_object":
        return "object", {}
    if not isinstance(wanted, dict) or kind != "json_schema":
        raise _wrong("response_format is text, json_object or json_schema")
    holder = wanted.get("json_schema")
    try:
        schema = json_schema.check(holder.get("schema", {}) if isinstance(holder, dict) else None)
    except ValueError as error:
        raise _wrong(f"The schema in response_format cannot be used: {error}") from error
    # The vendor's three ways of saying "no schema" have no properties and no other demand on the answer.
    empty = not any(schema.get(name) for name in ("properties", "$ref", "anyOf", "oneOf", "allOf", "items"))
    return ("object", {}) if empty else ("schema", schema)


def _check_number(document: Mapping[str, Any], name: str, least: float, most: float) -> None:
    value = document.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(f"{name} must be a number from {least:g} to {most:g}")


def _flag(holder: object, name: str) -> bool:
    value = holder.get(name) if isinstance(holder, dict) else None
    if value is not None and not isinstance(value, bool):
        raise _wrong(f"{name} must be true or false")
    return bool(value)


def _list(document: Mapping[str, Any], name: str) -> Iterator[object]:
    value = document.get(name)
    if not isinstance(value, list) or not value:
        raise _wrong(f"{name} must be a list that is not empty")
    return iter(value)


def _string(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str):
        raise _wrong(f"{name} must be a text")
    return value


def _wrong(why: str) -> ServiceError:
    return ServiceError(ErrorCode.INVALID_REQUEST, f"{why}. Nothing was charged.")
