"""Four encodings, one set of parameters.

| sent as | the parameters are |
|---|---|
| application/json | the body's keys |
| multipart/form-data | form fields, and the keys of the JSON in the field `body`, which win |
| anything else | the query string: the body is the recording |
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.json_text import parse_json
from transcripts.api.fields import boolean, integer
from transcripts.uploads.received import Received

PARAMETERS = {
    "POST /v1/ai/transcribe": (
        "file",
        "body",
        "url",
        "file_store_key",
        "language",
        "translate",
        "by_speaker",
        "webhook_url",
        "batch_size",
        "chunk_duration",
        "word_timestamps",
        "stream",
    ),
    "POST /v1/store/file": ("file", "body", "key", "overwrite", "temp_public_url", "content_type"),
}
MAX_FILE_BYTES = 100_000_000
LONGEST_TEXT = 16 * 1024
"""Bytes of one string in a JSON body."""
LARGEST_BATCH, USUAL_BATCH = 40, 30
LONGEST_CHUNK, USUAL_CHUNK = 15.0, 3.0
"""Seconds."""
NO_OPTIONS = ("", "undefined", "null")
"""The JavaScript client sends the literal `undefined` for options that it was not given."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What POST /v1/ai/transcribe is asked for. Without `url` and `file_store_key` the recording was uploaded."""

    options: Options
    url: str = ""
    file_store_key: str = ""
    webhook_url: str = ""
    chunk_duration: float = USUAL_CHUNK
    word_timestamps: bool = False
    stream: bool = False
    into: str | None = None
    """The language that the text is put into once it is there, where the recogniser cannot."""

    @property
    def detects(self) -> bool:
        """The answer says which language was heard."""
        return self.options.language is None and (self.into or self.options.translate_to) is None

    @property
    def as_heard(self) -> "Wish":
        """The same with the text in the language that is spoken, and put into the other one afterwards."""
        options = replace(self.options, task="transcribe", translate_to=None)
        return replace(self, options=options, into=self.options.translate_to or "en")


@dataclass(frozen=True, slots=True)
class Keep:
    """What POST /v1/store/file is asked for. An empty `key`: the server makes one."""

    key: str = ""
    overwrite: bool = False
    temp_public_url: bool = False
    content_type: str = ""


def values_of(got: Received, query: Mapping[str, str], address: str) -> dict[str, str]:
    """The parameters of `address`, as text; what is absent is not there. Raises INVALID_REQUEST."""
    form = {name: values[-1] for name, values in got.fields.items()}
    document = got.document if got.document is not None else _options(form.get("body", ""))
    if not isinstance(document, dict):
        raise _invalid("The parameters must be a JSON object.")
    given = {**query, **form, **{name: value for name, value in document.items() if value is not None}}
    return {name: _text(name, given[name]) for name in PARAMETERS[address] if given.get(name) not in (None, "")}


def _options(body: str) -> Any:
    if body.strip() in NO_OPTIONS:
        return {}
    try:
        return parse_json(body)
    except ValueError as error:
        raise _invalid("The form field `body` must be JSON.") from error


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float) and "\0" not in str(value):
        return str(value).strip()
    raise _invalid(f"{name} must be a text, a number or a boolean.")


def parse(values: Mapping[str, str], *, has_file: bool) -> Wish:
    """Raises INVALID_REQUEST."""
    if has_file + ("url" in values) + ("file_store_key" in values) != 1:
        raise _invalid("Send exactly one of url, file_store_key and an uploaded file.")
    integer("batch_size", values.get("batch_size", ""), default=USUAL_BATCH, least=1, most=LARGEST_BATCH)
    wish = Wish(
        options=_engine_options(values),
        url=values.get("url", ""),
        file_store_key=values.get("file_store_key", ""),
        webhook_url=values.get("webhook_url", ""),
        chunk_duration=_seconds("chunk_duration", values.get("chunk_duration", "")),
        word_timestamps=_flag(values, "word_timestamps"),
        stream=_flag(values, "stream"),
    )
    if wish.stream and (wish.word_timestamps or wish.webhook_url or wish.options.diarize):
        raise _invalid("stream does not go with word_timestamps, webhook_url or by_speaker.")
    return wish


def parse_keep(values: Mapping[str, str]) -> Keep:
    return Keep(
        key=values.get("key", ""),
        overwrite=_flag(values, "overwrite"),
        temp_public_url=_flag(values, "temp_public_url"),
        content_type=values.get("content_type", ""),
    )


def _engine_options(values: Mapping[str, str]) -> Options:
    # Their codes may name a region, such as zh-TW: speech has none.
    language = values.get("language", "").lower().partition("-")[0]
    spoken = None if language in ("", "auto") else language
    diarize = _flag(values, "by_speaker")
    if _flag(values, "translate"):
        return Options(task="translate", translate_to=spoken, diarize=diarize)
    return Options(language=spoken, diarize=diarize)


def _flag(values: Mapping[str, str], name: str) -> bool:
    return boolean(name, values.get(name, ""), default=False)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value) if value else USUAL_CHUNK
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_CHUNK:
        raise _invalid(f"{name} must be above 0 and at most {LONGEST_CHUNK:g} seconds, not {value[:20]!r}.")
    return seconds


def _invalid(sentence: str) -> ServiceError:
    return ServiceError(ErrorCode.INVALID_REQUEST, f"{sentence} Nothing was charged.")
