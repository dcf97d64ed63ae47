"""Which models and languages exist. Knows nothing of this machine; importable without any speech library."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Speed = Literal["very_fast", "fast", "standard"]
Tier = Literal["best", "fastest"]
Kind = Literal["recogniser", "diarizer", "writer", "translator"]

EMBEDDED = "pocketsphinx-en-us"
"""The recogniser whose package carries its weights: always there, English only."""
PYANNOTE = "pyannote"
WRITER = "qwen2.5-1.5b-instruct"
TRANSLATOR = "madlad400-3b-mt"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    id: str
    name: str
    description: str
    languages: int
    speed: Speed
    size: int
    """About how many bytes a download moves; 0 for what needs none."""
    repo: str | None
    """Where the model hub keeps it; None for what is never fetched."""
    kind: Kind = "recogniser"
    translates: bool = True
    """Can it write English of what is said in another language?"""


MODELS: tuple[ModelEntry, ...] = (
    ModelEntry(
        "large-v3-turbo",
        "Whisper large v3 turbo",
        "Nearly the accuracy of large v3 at several times its speed. The default on a GPU.",
        100,
        "fast",
        1_620_000_000,
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        # OpenAI's model card: "The turbo model is not trained for translation tasks".
        translates=False,
    ),
    ModelEntry(
        "large-v3",
        "Whisper large v3",
        "The most accurate Whisper; wants a GPU.",
        100,
        "standard",
        3_090_000_000,
        "Systran/faster-whisper-large-v3",
    ),
    ModelEntry(
        "medium",
        "Whisper medium",
        "Between small and large in both accuracy and time.",
        99,
        "standard",
        1_530_000_000,
        "Systran/faster-whisper-medium",
    ),
    ModelEntry(
        "small",
        "Whisper small",
        "Good accuracy that a CPU can keep up with. The default without a GPU.",
        99,
        "fast",
        486_000_000,
        "Systran/faster-whisper-small",
    ),
    ModelEntry(
        "base",
        "Whisper base",
        "Quick, for clear speech.",
        99,
        "very_fast",
        148_000_000,
        "Systran/faster-whisper-base",
    ),
    ModelEntry(
        "tiny",
        "Whisper tiny",
        "The quickest and least accurate Whisper.",
        99,
        "very_fast",
        78_000_000,
        "Systran/faster-whisper-tiny",
    ),
    ModelEntry(
        EMBEDDED,
        "PocketSphinx, English",
        "Built in, needs no download. English only and much less accurate than any Whisper.",
        1,
        "fast",
        0,
        None,
        translates=False,
    ),
)

DIARIZERS: tuple[ModelEntry, ...] = (
    ModelEntry(
        PYANNOTE,
        "pyannote community-1",
        "Tells speakers apart, also where they overlap. Needs a token and the acceptance of its conditions.",
        0,
        "standard",
        33_000_000,
        "pyannote/speaker-diarization-community-1",
        "diarizer",
    ),
)
"""Beside the models that transcribe, and never named in a request: what is here is used."""

TEXT: tuple[ModelEntry, ...] = (
    ModelEntry(
        WRITER,
        "Qwen2.5 1.5B Instruct",
        "Answers questions and writes about transcripts, in this server. Converted after the download.",
        0,
        "standard",
        3_090_000_000,
        "Qwen/Qwen2.5-1.5B-Instruct",
        "writer",
    ),
    ModelEntry(
        TRANSLATOR,
        "MADLAD-400 3B",
        "Translates text into more than 400 languages, in this server. Converted after the download.",
        0,
        "standard",
        11_800_000_000,
        "google/madlad400-3b-mt",
        "translator",
    ),
)
"""What does with text, if it is here. Never fetched by itself: nobody waits that long for an answer."""

BEST_FIRST = ("large-v3", "large-v3-turbo", "medium", "small", "base", "tiny", EMBEDDED)
FASTEST_FIRST = ("tiny", "base", "small", "large-v3-turbo", "medium", "large-v3", EMBEDDED)

# The same weights under another name are literal; a vendor's name asks for a tier, whatever this server has of it.
_SYNONYMS = {"large": "large-v3", "turbo": "large-v3-turbo"}
_TIERS: tuple[tuple[str, Tier], ...] = (
    ("gpt-*-mini-*", "fastest"),
    ("whisper-*", "best"),
    ("gpt-transcribe*", "best"),
    ("gpt-*-transcribe*", "best"),
    ("interfaze-*", "best"),
    ("60db-stt-*", "best"),
    ("stt-ai-enhanced", "best"),
    ("nvidia-canary*", "best"),
)


def find(model: str) -> ModelEntry | None:
    wanted = _SYNONYMS.get(model, model)
    return next((entry for entry in MODELS if entry.id == wanted), None)


def fetchable(model: str) -> ModelEntry | None:
    """What `models fetch` and `models remove` take."""
    return find(model) or next((entry for entry in (*DIARIZERS, *TEXT) if entry.id == model), None)


def tier(model: str) -> Tier | None:
    """What a foreign model name asks for; None if the name is not one of them."""
    return next((level for pattern, level in _TIERS if fnmatchcase(model, pattern)), None)


def translates(model: str) -> bool:
    """An operator's own model, of which nothing is known here, counts as one that does."""
    entry = find(model)
    return entry is None or entry.translates


def translators() -> list[str]:
    return [entry.id for entry in MODELS if entry.translates]


def default_for(device: Literal["cpu", "cuda"]) -> tuple[str, str]:
    """Model id and CTranslate2 compute type."""
    return ("large-v3-turbo", "float16") if device == "cuda" else ("small", "int8")


def language_code(code: str) -> str | None:
    """The code Whisper uses for a language code, whatever its case; None if no model here knows it."""
    lowered = code.strip().lower()
    lowered = _LANGUAGE_SYNONYMS.get(lowered, lowered)
    return lowered if lowered in WHISPER_LANGUAGES else None


# ISO 639-1 says jv; Whisper was trained with jw.
_LANGUAGE_SYNONYMS = {"jv": "jw"}

WHISPER_LANGUAGES: dict[str, str] = {
    "en": "english", "zh": "chinese", "de": "german", "es": "spanish", "ru": "russian", "ko": "korean",
    "fr": "french", "ja": "japanese", "pt": "portuguese", "tr": "turkish", "pl": "polish", "ca": "catalan",
    "nl": "dutch", "ar": "arabic", "sv": "swedish", "it": "italian", "id": "indonesian", "hi": "hindi",
    "fi": "finnish", "vi": "vietnamese", "he": "hebrew", "uk": "ukrainian", "el": "greek", "ms": "malay",
    "cs": "czech", "ro": "romanian", "da": "danish", "hu": "hungarian", "ta": "tamil", "no": "norwegian",
    "th": "thai", "ur": "urdu", "hr": "croatian", "bg": "bulgarian", "lt": "lithuanian", "la": "latin",
    "mi": "maori", "ml": "malayalam", "cy": "welsh", "sk": "slovak", "te": "telugu", "fa": "persian",
    "lv": "latvian", "bn": "bengali", "sr": "serbian", "az": "azerbaijani", "sl": "slovenian", "kn": "kannada",
    "et": "estonian", "mk": "macedonian", "br": "breton", "eu": "basque", "is": "icelandic", "hy": "armenian",
    "ne": "nepali", "mn": "mongolian", "bs": "bosnian", "kk": "kazakh", "sq": "albanian", "sw": "swahili",
    "gl": "galician", "mr": "marathi", "pa": "punjabi", "si": "sinhala", "km": "khmer", "sn": "shona",
    "yo": "yoruba", "so": "somali", "af": "afrikaans", "oc": "occitan", "ka": "georgian", "be": "belarusian",
    "tg": "tajik", "sd": "sindhi", "gu": "gujarati", "am": "amharic", "yi": "yiddish", "lo": "lao",
    "uz": "uzbek", "fo": "faroese", "ht": "haitian creole", "ps": "pashto", "tk": "turkmen", "nn": "nynorsk",
    "mt": "maltese", "sa": "sanskrit", "lb": "luxembourgish", "my": "myanmar", "bo": "tibetan", "tl": "tagalog",
    "mg": "malagasy", "as": "assamese", "tt": "tatar", "haw": "hawaiian", "ln": "lingala", "ha": "hausa",
    "ba": "bashkir", "jw": "javanese", "su": "sundanese", "yue": "cantonese",
}  # fmt: skip
