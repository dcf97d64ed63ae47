"""The values every part of the product speaks. All times are float seconds from the start of the audio."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from engine.text.types import TextModels

SAMPLE_RATE = 16_000
"""Hz, mono, signed 16-bit: what every stage after decoding works on."""

Task = Literal["transcribe", "translate"]
Priority = Literal["live_final", "live_partial", "interactive", "bulk"]
Phase = Literal["waiting", "fetching_model", "transcribing", "finishing"]
Channels = Literal["mix", "speakers"]
LanguageSource = Literal["given", "only", "detected", "per_segment", "mixed"]
"""`only`: the model knows no other. `per_segment`: each stretch was listened to, all agreed; `mixed`: they did not."""


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word, without surrounding spaces; `probability` is 0..1."""

    text: str
    start: float
    end: float
    probability: float
    original: str | None = None
    """What was heard, where a keyword took its place."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence-like stretch of speech. The log-probability fields have Whisper's meaning."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    language: str | None = None
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    compression_ratio: float = 1.0
    temperature: float = 0.0
    tokens: tuple[int, ...] = ()
    chunk: int = 0
    """The `Chunk.index` it came with."""

    @property
    def confidence(self) -> float:
        return min(1.0, math.exp(self.avg_logprob))


@dataclass(frozen=True, slots=True)
class Span:
    start: float
    end: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One voice from `start` to `end`. Turns of different speakers may overlap."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader of a result has to know. `code` is stable, `message` is a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LanguageDetection:
    """How the language was found. `calls` counts the stretches that were listened to for it, `candidates` is the first
    answer: languages with their probabilities, best first."""

    source: LanguageSource = "detected"
    calls: int = 0
    candidates: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Levels:
    """Mean power of samples of -1..1, in speech (noise included) and outside it, and seconds of each."""

    speech: float = 0.0
    speech_seconds: float = 0.0
    noise: float = 0.0
    noise_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """The checkpoint: one batch of windows, decoded together, ending in silence at `end`.

    A run resumed behind chunk N cuts the rest of the audio exactly as an undisturbed run does.
    """

    index: int
    start: float
    end: float
    segments: tuple[Segment, ...]
    speech: tuple[Span, ...]
    language: str | None
    language_probability: float
    suspect: tuple[Span, ...] = ()
    detection: LanguageDetection = field(default_factory=LanguageDetection)
    levels: Levels = field(default_factory=Levels)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a run gives back and everything else renders from. `coverage` is the share of speech that has words."""

    text: str
    language: str | None
    language_probability: float
    duration: float
    segments: tuple[Segment, ...]
    model: str
    speakers: tuple[str, ...] = ()
    """`Speaker 1` and so on in order of first speech, or the names of known speakers."""
    coverage: float = 1.0
    suspect_spans: tuple[Span, ...] = ()
    warnings: tuple[Notice, ...] = ()
    turns: tuple[Turn, ...] = ()
    """Who spoke when, where speakers were told apart."""
    snr_db: float | None = None
    """Speech over noise; None where nobody speaks."""
    detection: LanguageDetection = field(default_factory=LanguageDetection)

    @property
    def language_source(self) -> LanguageSource:
        return self.detection.source


USUAL_WEIGHT, MAX_WEIGHT = 1.5, 10.0


@dataclass(frozen=True, slots=True)
class Keyword:
    """A term to listen for. `weight` is above 0 and at most 10."""

    term: str
    weight: float = USUAL_WEIGHT

    @classmethod
    def parse(cls, text: str) -> "Keyword":
        """`term` or `term:weight`; a weight above 10 counts as 10. Raises ValueError with a sentence."""
        term, colon, weight = text.rpartition(":")
        if not colon:
            term, weight = weight, str(USUAL_WEIGHT)
        try:
            number = float(weight)
        except ValueError:
            number = math.nan
        if not term.strip() or not number > 0:
            raise ValueError(f"{text.strip()[:60]!r} is no keyword: write term or term:weight, the weight above 0.")
        return cls(term.strip(), min(number, MAX_WEIGHT))


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A name and the path of a recording of that voice alone, 2 to 10 s."""

    name: str
    clip: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may ask for. `model` None means the server's default, `language` None means detect it."""

    model: str | None = None
    language: str | None = None
    task: Task = "transcribe"
    prompt: str | None = None
    word_timestamps: bool = True
    max_seconds: float | None = None
    """Stop with `media_too_long` after this much decoded audio."""
    priority: Priority = "bulk"
    languages: tuple[str, ...] = ()
    """Candidates for detection; empty: all that the model knows."""
    keywords: tuple[Keyword, ...] = ()
    diarize: bool = False
    speakers: int | None = None
    """Exactly so many voices; None: find out, within `min_speakers` and `max_speakers`."""
    min_speakers: int | None = None
    max_speakers: int | None = None
    known_speakers: tuple[KnownSpeaker, ...] = ()
    channels: Channels = "mix"
    """`speakers`: each channel is one speaker and is transcribed on its own."""
    tenant: str | None = None
    """On whose behalf: tenants take turns, however many runs each has. None: a run is a tenant of its own."""
    code_switching: bool = False
    """Listen for the language of each stretch of speech. Costs about one more pass of the encoder for each."""
    context: tuple[tuple[str, str], ...] = ()
    """What the recording is about: (name, value), or ("", text)."""
    translate_to: str | None = None
    """With `task` translate: the language of the text; None is English, the only one that a speech model can write."""
    min_snr_db: float | None = None
    """Audio with less speech over noise is not transcribed; None: all of it is."""
    clean: bool = False
    """Leave out "um" and its kind, and tidy spaces and punctuation."""
    normalize_script: bool = False
    """In Hindi mixed with English: each word in its own language's script, as far as the lexicon reaches."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the container says. `duration` is a claim (None: it makes none); only decoding tells the truth."""

    format: str
    codec: str
    duration: float | None
    sample_rate: int
    channels: int
    has_video: bool


@dataclass(frozen=True, slots=True)
class Playback:
    """The browser's copy: AAC in M4A at a constant rate, and `peaks`, 0..255, evenly spaced over `duration`."""

    duration: float
    peaks: bytes


Cover = Literal["mute", "beep"]
"""What is heard in the place of what must not be."""


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A WAV of 16 bits, mono, as long as the recording it was made of."""

    duration: float
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A WAV of 16 bits, mono, in a voice that is marked as synthetic."""

    duration: float
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Sent at least once a second while a run lives; `done` grows with the seconds of audio transcribed."""

    phase: Phase
    done: float
    total: float | None
    stalled_for: float = 0.0
    """Seconds since anything moved."""


Event = Progress | Chunk


@dataclass(frozen=True, slots=True)
class ModelStatus:
    id: str
    installed: bool
    loaded: bool
    fetching: float | None = None
    """Share of the download done, 0..1; None when none is running."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    default_model: str
    embedded: bool
    """True when no Whisper weights are here and the packaged recogniser answers."""
    device: Literal["cpu", "cuda"]
    gpu_name: str | None
    gpu_memory_mb: int | None
    sandbox: Literal["full", "reduced"]
    models: tuple[ModelStatus, ...]
    queued: int = 0
    """Windows that wait for the device."""
    running: int = 0
    """Recordings at work."""
    diarizer: str | None = None
    """Who tells speakers apart; None: nobody can."""
    live: int = 0
    """Streams that are being listened to."""
    live_room: bool = True
    """May one more be begun?"""
    text: TextModels = field(default_factory=TextModels)
    """Who answers what is asked about text."""


def to_dict(value: Any) -> dict[str, Any]:
    """A plain JSON-ready dict of any dataclass above; `*_from_dict` reads it back."""
    return asdict(value)


def options_from_dict(data: Mapping[str, Any]) -> Options:
    fields = dict(data)
    fields["languages"] = tuple(data.get("languages", ()))
    fields["keywords"] = tuple(Keyword(**keyword) for keyword in data.get("keywords", ()))
    fields["known_speakers"] = tuple(KnownSpeaker(**speaker) for speaker in data.get("known_speakers", ()))
    fields["context"] = tuple((name, value) for name, value in data.get("context", ()))
    return Options(**fields)


def segment_from_dict(data: Mapping[str, Any]) -> Segment:
    fields = dict(data)
    fields["words"] = tuple(Word(**word) for word in data.get("words", ()))
    fields["tokens"] = tuple(data.get("tokens", ()))
    return Segment(**fields)


def chunk_from_dict(data: Mapping[str, Any]) -> Chunk:
    fields = dict(data)
    fields["segments"] = _segments(data["segments"])
    fields["speech"] = _spans(data["speech"])
    fields["suspect"] = _spans(data.get("suspect", ()))
    fields["detection"] = detection_from_dict(data.get("detection", {}))
    fields["levels"] = Levels(**data.get("levels", {}))
    return Chunk(**fields)


def transcript_from_dict(data: Mapping[str, Any]) -> Transcript:
    fields = dict(data)
    fields["segments"] = _segments(data["segments"])
    fields["speakers"] = tuple(data.get("speakers", ()))
    fields["turns"] = tuple(Turn(**turn) for turn in data.get("turns", ()))
    fields["suspect_spans"] = _spans(data.get("suspect_spans", ()))
    fields["warnings"] = tuple(Notice(**notice) for notice in data.get("warnings", ()))
    fields["detection"] = detection_from_dict(data.get("detection", {}))
    return Transcript(**fields)


def detection_from_dict(data: Mapping[str, Any]) -> LanguageDetection:
    candidates = tuple((language, probability) for language, probability in data.get("candidates", ()))
    return LanguageDetection(**{**data, "candidates": candidates})


def status_from_dict(data: Mapping[str, Any]) -> EngineStatus:
    fields = dict(data)
    fields["models"] = tuple(ModelStatus(**model) for model in data["models"])
    text = data.get("text", {})
    fields["text"] = TextModels(**{**text, "targets": tuple(text.get("targets", ()))})
    return EngineStatus(**fields)


def _segments(items: Sequence[Mapping[str, Any]]) -> tuple[Segment, ...]:
    return tuple(segment_from_dict(item) for item in items)


def _spans(items: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(**item) for item in items)
