"""How much of what is marked is found, and how much of what is found is marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.text.extract import extract
from engine.text.ranking import Embed
from tests.text.labelled import Labelled

ALIKE = 0.5
"""Share of characters that two stretches have in common when they pass for the same: "Seidel" and "Frau Seidel"."""
Stretch = tuple[str, int, int]
"""Label, first character, the one behind the last."""


@dataclass(frozen=True)
class Score:
    right: int = 0
    found: int = 0
    marked: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.right + other.right, self.found + other.found, self.marked + other.marked)

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.marked if self.marked else 1.0


@dataclass(frozen=True)
class Compared:
    missed: list[Stretch]
    wrong: list[Stretch]
    score: Score


KINDS = ("action_items", "questions", "entities", "entities, label too", "pii", "pii, label too")


def compared(kind: str, transcript: Labelled, embed: Embed) -> Compared:
    what, _, labels = kind.partition(", ")
    marked = marks(what, transcript)
    found = answers(what, transcript, embed)
    left = list(marked)
    wrong = []
    for one in found:
        same = next((mark for mark in left if _alike(one, mark) and (not labels or one[0] == mark[0])), None)
        if same is None:
            wrong.append(one)
        else:
            left.remove(same)
    return Compared(left, wrong, Score(len(found) - len(wrong), len(found), len(marked)))


def marks(what: str, transcript: Labelled) -> list[Stretch]:
    found = []
    for mark in transcript.gold[what]:
        start = transcript.offset(mark["line"]) + mark.get(
            "start", transcript.lines[mark["line"]].text.find(mark["text"])
        )
        found.append((mark.get("label", what), start, start + len(mark["text"])))
    return found


def answers(what: str, transcript: Labelled, embed: Embed) -> list[Stretch]:
    answer: Any = extract(
        "pii_redact" if what == "pii" else what,  # type: ignore[arg-type]
        transcript.lines,
        embed,
        language=transcript.language,
    )
    if what in ("entities", "pii"):
        spans = answer["entities"] if what == "pii" else answer
        return [(span["label"], span["start"], span["end"]) for span in spans]
    return [_sentence(what, transcript, point) for point in answer]


def _sentence(what: str, transcript: Labelled, point: dict[str, Any]) -> Stretch:
    start = transcript.offset(point["line"]) + transcript.lines[point["line"]].text.find(point["text"])
    return what, start, start + len(point["text"])


def _alike(one: Stretch, other: Stretch) -> bool:
    common = min(one[2], other[2]) - max(one[1], other[1])
    return common >= ALIKE * (max(one[2], other[2]) - min(one[1], other[1]))


def total(kind: str, transcripts: Sequence[Labelled], embed: Embed) -> Score:
    return sum((compared(kind, one, embed).score for one in transcripts), Score())
