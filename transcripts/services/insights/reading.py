"""A text as a language model is shown it: numbered lines, in parts that fit before its eyes, and the way back from a
number to a time."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from engine.text.types import Line, Message
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services import language_model
from transcripts.services.insights.source import Source
from transcripts.services.prompts import prompt, quoted

MOST_PARTS = 48
"""More text than that is refused: twelve hours of speech are about thirty, with the smallest of windows."""
MOST_SECONDS = 1_800
"""Of all that one insight takes."""
ANSWER_TOKENS = 1_500
PROMPT_TOKENS = 1_000
NOTES_TOKENS = 500
LEVELS = 3
BYTES_A_TOKEN = 3
"""Of UTF-8: about one token a character of Han, a third of one of Latin."""
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s*")
_REFERENCE = re.compile(r"\s*\[#(\d{1,6})\]")


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be asked for one insight."""

    ends: float

    @classmethod
    def new(cls) -> "Budget":
        return cls(time.monotonic() + MOST_SECONDS)

    def check(self) -> None:
        if time.monotonic() > self.ends:
            message = (
                f"The language model of this server took longer than {MOST_SECONDS // 60} minutes over it and was "
                "stopped. Nothing was charged; a shorter text, or a faster model, would end in time."
            )
            raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def window() -> int:
    """Bytes of text that fit before a model beside what it is told and what it answers."""
    return max(1_000, settings.LLM_CONTEXT - ANSWER_TOKENS - PROMPT_TOKENS) * BYTES_A_TOKEN


def parts(source: Source) -> list[str]:
    """Raises FILE_TOO_LARGE."""
    return _packed(_numbered(source.lines))


def notes(source: Source, budget: Budget) -> str:
    """The text itself where it fits, else what each part says, with its numbers."""
    shown = parts(source)
    for _ in range(LEVELS):
        if len(shown) == 1:
            return shown[0]
        said = []
        for number, piece in enumerate(shown, start=1):
            budget.check()
            told = prompt("condense", number=number, count=len(shown))
            said.append(language_model.complete(messages(told, piece), most_tokens=NOTES_TOKENS))
        shown = _packed(line for each in said for line in each.splitlines())
    raise _too_long()


def messages(told: str, text: str) -> list[Message]:
    return [
        {"role": "system", "content": f"{prompt('data')}\n\n{told}"},
        {"role": "user", "content": quoted(text)},
    ]


def placed(source: Source, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """With the line, time and speaker that each number stands for; what names a line that is not there is left out."""
    found = []
    for item in items:
        line = _line(source.lines, item["line"])
        if line is not None:
            number, said = line
            found.append({**item, "line": number, "start": said.start, "speaker": said.speaker})
    return found


def timed(source: Source, text: str) -> str:
    """[#12] becomes [4:05], or nothing where there is no such line or no time."""

    def time_of(match: re.Match[str]) -> str:
        line = _line(source.lines, int(match[1]))
        return "" if line is None or line[1].start is None else f" [{clock(line[1].start)}]"

    return _REFERENCE.sub(time_of, text).strip()


def clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _line(lines: Sequence[Line], number: int) -> tuple[int, Line] | None:
    if not 1 <= number <= len(lines) or not lines[number - 1].text.strip():
        return None
    return number - 1, lines[number - 1]


def _numbered(lines: Sequence[Line]) -> Iterator[str]:
    most = window() // 4
    for number, line in enumerate(lines, start=1):
        name = f"{line.speaker}: " if line.speaker else ""
        for piece in pieces(line.text.strip(), most):
            yield f"#{number} {name}{piece}"


def pieces(text: str, most: int) -> Iterator[str]:
    """Of a long line, cut between sentences, or anywhere where there are none."""
    held = ""
    for sentence in _SENTENCE.split(text):
        if held and len((held + sentence).encode()) > most:
            yield held
            held = ""
        held = f"{held} {sentence}".strip()
        while len(held.encode()) > most:
            yield held[: most // 4]
            held = held[most // 4 :]
    if held:
        yield held


def _packed(lines: Iterable[str]) -> list[str]:
    most, packed, size = window(), [[]], 0  # type: int, list[list[str]], int
    for line in lines:
        length = len(line.encode()) + 1
        if packed[-1] and size + length > most:
            packed.append([])
            size = 0
        packed[-1].append(line)
        size += length
    if len(packed) > MOST_PARTS:
        raise _too_long()
    return ["\n".join(each) for each in packed]


def _too_long() -> ServiceError:
    message = (
        "The text is longer than the language model of this server can read in a reasonable time. Nothing was charged; "
        "send it in parts."
    )
    return ServiceError(ErrorCode.FILE_TOO_LARGE, message)
