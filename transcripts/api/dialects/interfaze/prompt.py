"""What a prompt's words ask for. Tags are exact; wishes in prose are found by the phrases that the vendor documents."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stt_site.lib.errors import ErrorCode, ServiceError

TASKS = ("speech_to_text", "translate")
GUARDS = frozenset({*(f"S{number}" for number in range(1, 15)), "S1_IMAGE", "S12_IMAGE", "S15_IMAGE", "ALL"})

_TASK = re.compile(r"<task>([^<]{0,60})</task>")
_GUARD = re.compile(r"<guard>([^<]*)</guard>")
_URL = re.compile(r"https?://[^\s<>\"'`]{1,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?)]}*_"
_BY_WORD = re.compile(r"\b(?:by[ -]words?|word[ -]by[ -]word|word[ -]levels?|(?:each|every) word)\b", re.IGNORECASE)
_SPEAKERS = re.compile(
    r"\bdiari[sz]\w*|\b(?:by|each|different|multiple|all) speakers?\b"
    r"|\bspeaker (?:labels?|ids?|turns?|names?|tags?|separation|identification|recognition)\b"
    r"|\b(?:identify|label|distinguish|separate|detect|recogni[sz]e|mark|name|tag|split|list)\b[^.?!\n]{0,40}\bspeakers?\b"
    r"|\bwho (?:said|says|spoke|speaks|is (?:speaking|talking))\b",
    re.IGNORECASE,
)
_TRANSLATE = re.compile(r"(?<!not )(?<!n't )(?<!without )\btranslat(?:e|ing)\b([^.?!\n]*)", re.IGNORECASE)
_TARGET = re.compile(r"\b(?:into|to|in)\s+(?:the\s+)?([a-z]{2,}(?:[- ][a-z]{2,})?)", re.IGNORECASE)
_SPOKEN = re.compile(
    r"\b(?:is|was|are|spoken|speaks?|speaking)\s+in\s+([a-z]{3,})|\blanguage\s*(?:is|:|=)\s*([a-z]{3,})"
    r"|\b([a-z]{3,})\s+(?:audio|recording|speech|video|voice|podcast|call)\b",
    re.IGNORECASE,
)
_NO_CODES = frozenset({"am", "as", "be", "he", "hi", "id", "is", "it", "la", "ms", "my", "no", "or", "so", "te"})
"""Codes of languages that are words of a prompt first."""
_NO_TARGETS = frozenset({"me", "us", "text", "order", "full", "detail", "another", "addition"})
_OTHER_NAMES = {
    "mandarin": "zh",
    "farsi": "fa",
    "castilian": "es",
    "brazilian": "pt",
    "flemish": "nl",
    "filipino": "tl",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """`language`: what is spoken; `translate_to`: a code; both None where the words do not say."""

    by_word: bool = False
    speakers: bool = False
    language: str | None = None
    translate_to: str | None = None


def task_of(text: str) -> str | None:
    """The first tag wins."""
    found = _TASK.search(text)
    return found[1].strip() if found else None


def guards_of(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for tag in _GUARD.findall(text) for code in tag.split(","))


def urls_of(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_trimmed(url) for url in _URL.findall(text)))


def wishes_of(text: str, languages: Mapping[str, str]) -> Wishes:
    """`languages`: code to lower-case English name."""
    for tag in (_TASK, _GUARD, _URL):
        text = tag.sub(" ", text)
    codes = {name: code for code, name in languages.items()} | _OTHER_NAMES
    spoken = (next(filter(None, found.groups())).lower() for found in _SPOKEN.finditer(text))
    return Wishes(
        by_word=_BY_WORD.search(text) is not None,
        speakers=_SPEAKERS.search(text) is not None,
        language=next((codes[word] for word in spoken if word in codes), None),
        translate_to=_target(text, codes | {code: code for code in languages if code not in _NO_CODES}),
    )


def _target(text: str, codes: Mapping[str, str]) -> str | None:
    """English where no language is named, as it is for every other translation here."""
    wish = _TRANSLATE.search(text)
    if wish is None:
        return None
    named = [found[1].lower().replace("-", " ") for found in _TARGET.finditer(wish[1])]
    for words in named:
        if known := codes.get(words) or codes.get(words.split()[0]):
            return known
    unknown = next((words.split()[0] for words in named if words.split()[0] not in _NO_TARGETS), None)
    if unknown is not None and re.search(rf"\b(?:in)?to\s+{re.escape(unknown)}\b", wish[1], re.IGNORECASE):
        message = f"There is no language {unknown[:40]!r} to translate into. GET /v1/languages lists them."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, f"{message} Nothing was charged.")
    return "en"


def _trimmed(url: str) -> str:
    """Without what a sentence puts behind it; a bracket that the address itself opened stays."""
    while url[-1] in _TRAILING and not (url[-1] == ")" and url.count("(") >= url.count(")")):
        url = url[:-1]
    return url
