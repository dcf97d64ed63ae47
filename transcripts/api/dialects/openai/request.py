"""Form fields to an order. What OpenAI's own service refuses for one of its models is accepted for every one here,
unless STT_OPENAI_STRICT is set."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from engine.types import Keyword, Options, Task
from transcripts.api.dialects.base import TranscriptionOrder
from transcripts.api.dialects.openai import strict
from transcripts.api.dialects.openai.errors import Invalid
from transcripts.api.dialects.openai.fields import Fields, number

log = logging.getLogger(__name__)

TRANSCRIPTIONS, TRANSLATIONS = "POST /v1/audio/transcriptions", "POST /v1/audio/translations"
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    TRANSCRIPTIONS: (
        "file",
        "model",
        "language",
        "languages",
        "prompt",
        "keywords",
        "response_format",
        "temperature",
        "timestamp_granularities",
        "stream",
        "include",
        "chunking_strategy",
        "known_speaker_names",
        "known_speaker_references",
    ),
    TRANSLATIONS: ("file", "model", "prompt", "response_format", "temperature"),
}
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
DIARIZED = "diarized_json"
STREAMED = ("json", "text", DIARIZED)
GRANULARITIES = ("segment", "word")
MOST_SPEAKERS = 4
MOST_KEYWORDS = 100


@dataclass(frozen=True, slots=True)
class OpenAIOrder(TranscriptionOrder):
    """`model` is the name as it was asked for. `voices` are names with the data URL, or the gate's token, of each."""

    model: str = ""
    task: Task = "transcribe"
    stream: bool = False
    words: bool = False
    segments: bool = True
    logprobs: bool = False
    voices: tuple[tuple[str, str], ...] = ()
    prompt: str = ""

    @property
    def bills_tokens(self) -> bool:
        return self.model.startswith("gpt-")


def transcription(given: Mapping[str, Sequence[str]]) -> OpenAIOrder:
    fields = Fields(given)
    _note_unknown(given, TRANSCRIPTIONS)
    model, form = _model(fields), _format(fields, (*FORMATS, DIARIZED))
    granularities = _granularities(fields, form)
    _temperature(fields)
    _chunking(fields)
    order = OpenAIOrder(
        options=Options(
            model=model,
            language=fields.text("language") or None,
            languages=tuple(fields.texts("languages")),
            prompt=fields.text("prompt") or None,
            keywords=_keywords(fields),
            diarize=form == DIARIZED,
        ),
        format=form,
        diarize=form == DIARIZED,
        model=model,
        stream=_stream(fields, form),
        words="word" in granularities,
        segments="segment" in granularities or not granularities,
        logprobs=_logprobs(fields, model, form),
        voices=_voices(fields),
        prompt=fields.text("prompt"),
    )
    _check_diarizing(order, granularities)
    if settings.OPENAI_STRICT:
        return strict.checked(order, has_chunking=bool(fields.object("chunking_strategy")))
    return order


def translation(given: Mapping[str, Sequence[str]]) -> OpenAIOrder:
    fields = Fields(given)
    _note_unknown(given, TRANSLATIONS)
    model = _model(fields)
    _temperature(fields)
    return OpenAIOrder(
        options=Options(model=model, task="translate", prompt=fields.text("prompt") or None),
        format=_format(fields, FORMATS),
        diarize=False,
        model=model,
        task="translate",
        prompt=fields.text("prompt"),
    )


def _note_unknown(given: Mapping[str, Sequence[str]], address: str) -> None:
    unknown = sorted({name.partition("[")[0] for name in given} - set(PARAMETERS[address]))
    if unknown:
        log.debug("ignored the fields %s", ", ".join(unknown))


def _model(fields: Fields) -> str:
    if not (model := fields.text("model")):
        raise Invalid("model", "You must provide a model parameter: whisper-1, or an id of GET /v1/models.")
    return model


def _format(fields: Fields, known: Sequence[str]) -> str:
    name = fields.text("response_format") or "json"
    if name not in known:
        message = f"There is no response_format {name[:20]!r}: choose one of {', '.join(known)}."
        raise Invalid("response_format", message, "invalid_value")
    return name


def _granularities(fields: Fields, form: str) -> list[str]:
    given = fields.texts("timestamp_granularities")
    if unknown := [name for name in given if name not in GRANULARITIES]:
        message = f"timestamp_granularities are word and segment, not {unknown[0][:20]!r}."
        raise Invalid("timestamp_granularities", message, "invalid_value")
    if given and form != "verbose_json":
        raise Invalid(
            "timestamp_granularities", "timestamp_granularities need response_format verbose_json.", "unsupported_value"
        )
    return given


def _temperature(fields: Fields) -> None:
    """Checked, and no more: nothing is sampled here."""
    number("temperature", fields.text("temperature"), least=0, most=1)


def _chunking(fields: Fields) -> None:
    """Checked, and no more: the engine cuts at the pauses that its own detector finds."""
    given = fields.object("chunking_strategy")
    if isinstance(given, str):
        if given not in ("", "auto"):
            raise Invalid("chunking_strategy", "chunking_strategy is auto or an object.", "invalid_value")
        return
    if given.get("type") != "server_vad":
        raise Invalid("chunking_strategy", "The type of chunking_strategy is server_vad.", "invalid_value")
    for name, most in (("prefix_padding_ms", 600_000), ("silence_duration_ms", 600_000), ("threshold", 1)):
        number(f"chunking_strategy.{name}", given.get(name), least=0, most=most)


def _keywords(fields: Fields) -> tuple[Keyword, ...]:
    terms = fields.texts("keywords")
    if len(terms) > MOST_KEYWORDS:
        raise Invalid("keywords", f"At most {MOST_KEYWORDS} keywords.", "invalid_value")
    return tuple(Keyword(term) for term in terms)


def _stream(fields: Fields, form: str) -> bool:
    stream = fields.boolean("stream")
    if stream and form not in STREAMED:
        message = f"A stream has no response_format {form}: choose one of {', '.join(STREAMED)}."
        raise Invalid("stream", message, "unsupported_value")
    return stream


def _logprobs(fields: Fields, model: str, form: str) -> bool:
    given = fields.texts("include")
    if unknown := [name for name in given if name != "logprobs"]:
        raise Invalid("include", f"include knows logprobs only, not {unknown[0][:20]!r}.", "invalid_value")
    if given and (form != "json" or _diarizes(model)):
        raise Invalid(
            "include", "logprobs come with response_format json, and with no model that diarizes.", "unsupported_value"
        )
    return bool(given)


def _voices(fields: Fields) -> tuple[tuple[str, str], ...]:
    names, references = fields.texts("known_speaker_names"), fields.texts("known_speaker_references")
    if len(names) != len(references):
        message = f"There are {len(names)} known_speaker_names and {len(references)} known_speaker_references."
        raise Invalid("known_speaker_references", message, "invalid_value")
    if len(names) > MOST_SPEAKERS:
        raise Invalid("known_speaker_names", f"At most {MOST_SPEAKERS} known speakers.", "invalid_value")
    return tuple(zip(names, references, strict=True))


def _check_diarizing(order: OpenAIOrder, granularities: Sequence[str]) -> None:
    if not _diarizes(order.model):
        return
    for param, given in (("prompt", order.prompt), ("timestamp_granularities", granularities)):
        if given:
            raise Invalid(param, f"{order.model} takes no {param}.", "unsupported_value")


def _diarizes(model: str) -> bool:
    return model.endswith("-diarize")
