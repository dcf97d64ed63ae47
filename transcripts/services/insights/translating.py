"""Texts in another language, each in its place. The operator's language model where one is named, else the translator
of this server, else its own language model, else nobody."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway
from transcripts.services import language_model
from transcripts.services.insights import schemas
from transcripts.services.insights.making import Made
from transcripts.services.insights.reading import Budget, pieces, window
from transcripts.services.insights.source import Source
from transcripts.services.language_model.errors import Unfit
from transcripts.services.prompts import prompt

MOST_TEXTS = 128
TRANSLATOR = "madlad400-3b-mt"
AT_ONCE = 20
"""Texts; more of them, and a model loses count."""
TOKENS_A_BATCH = 6_000
"""A quarter of the window is read; some languages take four times as many tokens as others."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Codes of languages. `source` None: whatever each text is in."""

    source: str | None
    target: str


Translate = Callable[[list[str], Pair], list[str]]


def pair(source: str, target: str) -> Pair:
    """`source` may be auto. Raises UNSUPPORTED_LANGUAGE."""
    return Pair(None if source.lower() in ("", "auto") else _code(source), _code(target))


def who() -> str | None:
    """Which model would translate; None: none can. Raises ENGINE_UNAVAILABLE."""
    return (None if settings.LLM_URL else engine_gateway.status().text.translator) or language_model.name()


def missing(what: str = "Translating") -> ServiceError:
    message = (
        f"{what} takes a translator or a language model, and this server has none. Its operator installs one with "
        f"`manage.py models fetch {TRANSLATOR}`, or names a server that speaks OpenAI's chat API (STT_LLM_URL). "
        "Nothing was charged."
    )
    return ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def texts(given: Sequence[str], languages: Pair) -> Made:
    """As many, in the same order. Raises MODEL_UNAVAILABLE, UNSUPPORTED_LANGUAGE, FILE_TOO_LARGE."""
    if languages.source == languages.target:
        return Made(list(given), "none")
    model = who()
    if model is None:
        raise missing()
    translate = _written if settings.LLM_URL or model == language_model.name() else _translated
    return Made(_in_place(given, languages, translate), model)


def turns(source: Source, languages: Pair) -> Made:
    """`{target, text, turns: [{start, end, speaker, text}]}`, a turn for each line."""
    made = texts([line.text for line in source.lines], languages)
    lines = [
        {"start": line.start, "end": line.end, "speaker": line.speaker, "text": text}
        for line, text in zip(source.lines, made.value, strict=True)
    ]
    return Made({"target": languages.target, "text": "\n".join(made.value), "turns": lines}, made.model)


def _in_place(given: Sequence[str], languages: Pair, translate: Translate) -> list[str]:
    """Blank lines and breaks stay where they are; long lines go in pieces."""
    split = [[list(pieces(line.strip(), window() // 4)) for line in text.split("\n")] for text in given]
    wanted = [piece for text in split for line in text for piece in line]
    budget, done = Budget.new(), []
    for batch in _batches(wanted):
        budget.check()
        done += translate(batch, languages)
    made = iter(done)
    return ["\n".join(" ".join(islice(made, len(line))) for line in text) for text in split]


def _batches(wanted: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for piece in wanted:
        length = len(piece.encode())
        if batch and (len(batch) == AT_ONCE or size + length > window() // 4):
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += length
    if batch:
        yield batch


def _translated(batch: list[str], languages: Pair) -> list[str]:
    return engine_gateway.translate(batch, languages.source, languages.target)


def _written(batch: list[str], languages: Pair) -> list[str]:
    """A model that loses count is asked for less at a time."""
    schema = schemas.object_of(
        texts={"type": "array", "items": {"type": "string"}, "minItems": len(batch), "maxItems": len(batch)}
    )
    source = "their language" if languages.source is None else _name(languages.source)
    told = prompt("translate", source=source, target=_name(languages.target))
    try:
        answer = language_model.fill(schema, told, json.dumps(batch, ensure_ascii=False), most_tokens=TOKENS_A_BATCH)
    except Unfit:
        if len(batch) == 1:
            raise
        middle = len(batch) // 2
        return _written(batch[:middle], languages) + _written(batch[middle:], languages)
    return list(answer["texts"])


def _code(name: str) -> str:
    code = engine_gateway.language_code(name)
    if code is None and name.lower() in engine_gateway.status().text.targets:
        code = name.lower()
    if code is None:
        message = f"There is no language {name[:20]!r}. GET /v1/languages lists them. Nothing was charged."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, message)
    return code


def _name(code: str) -> str:
    return engine_gateway.languages().get(code, code).title()
