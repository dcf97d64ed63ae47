"""The labelled transcripts beside this file; README.md says how they were labelled."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.text.types import Line


@dataclass(frozen=True)
class Labelled:
    name: str
    language: str
    kind: str
    held_out: bool
    hostile: bool
    sentiment: str
    lines: tuple[Line, ...]
    gold: dict[str, list[dict[str, Any]]]
    retrieval: tuple[dict[str, Any], ...]

    def offset(self, line: int) -> int:
        """Of the line's first character in the lines joined by line breaks."""
        return sum(len(one.text) + 1 for one in self.lines[:line])


@cache
def transcripts() -> tuple[Labelled, ...]:
    return tuple(_read(file) for file in sorted(Path(__file__).parent.glob("*.json")))


def _read(file: Path) -> Labelled:
    raw = json.loads(file.read_text(encoding="utf-8"))
    lines = tuple(Line(one["text"], one["start"], one["end"], one["speaker"]) for one in raw.pop("lines"))
    return Labelled(name=file.stem, lines=lines, retrieval=tuple(raw.pop("retrieval")), **raw)
