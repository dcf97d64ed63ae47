"""Where a talk turns to something else: valleys of likeness between what is before and what is after (TextTiling)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.text import ranking
from engine.text.ranking import Embed, Vectors, Weights
from engine.text.sentences import Sentence
from engine.text.topics import topics
from engine.text.types import Answer, Line

AROUND = 6
"""Sentences on each side of a place that are compared."""
FEWEST = 8
"""Sentences of a chapter."""
SHORTEST = 60.0
"""Seconds of one, where times are known."""
MOST = 20
NOTABLE = 0.5
"""Standard deviations above the mean depth that a valley must have."""
TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    sentences: tuple[Sentence, ...]

    @property
    def line(self) -> int:
        return self.sentences[0].line


def chapters(found: Sequence[Sentence], embed: Embed, code: str | None, names: frozenset[str]) -> list[Chapter]:
    telling = ranking.readable(found)
    if not telling:
        return []
    rows = ranking.vectors(telling, embed, code)
    cuts = [0, *_cuts(telling, depths(rows)), len(telling)]
    parts = [telling[start:end] for start, end in pairwise(cuts)]
    return [Chapter(_title(part, embed, code, names), tuple(part)) for part in parts]


def markers(found: Sequence[Chapter], lines: Sequence[Line]) -> list[Answer]:
    """The first starts with the text, each ends where the next starts."""
    first = [0, *(chapter.line for chapter in found[1:])][: len(found)]
    marked: list[Answer] = []
    for place, (chapter, line) in enumerate(zip(found, first, strict=True)):
        following = first[place + 1] if place + 1 < len(first) else None
        end = lines[-1].end if following is None else lines[following].start
        marked.append({"title": chapter.title, "start": lines[line].start, "end": end, "line": line})
    return marked


def depths(rows: Vectors) -> Weights:
    """Of each place between two sentences, how far likeness falls there from the peaks around it."""
    count = len(rows)
    likeness = np.zeros(max(0, count - 1))
    sums = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])
    for at in range(1, count):
        before = sums[at] - sums[max(0, at - AROUND)]
        after = sums[min(count, at + AROUND)] - sums[at]
        likeness[at - 1] = before @ after / max(1e-9, float(np.linalg.norm(before) * np.linalg.norm(after)))
    left, right = likeness.copy(), likeness.copy()
    for at in range(1, len(likeness)):
        left[at] = max(likeness[at], left[at - 1]) if likeness[at] <= left[at - 1] else likeness[at]
        back = len(likeness) - 1 - at
        right[back] = max(likeness[back], right[back + 1]) if likeness[back] <= right[back + 1] else likeness[back]
    return np.asarray(left + right - 2 * likeness)


def _cuts(found: Sequence[Sentence], depth: Weights) -> list[int]:
    """The deepest valleys first, none too near to another; a chapter starts with a line."""
    if len(depth) == 0:
        return []
    bound = float(depth.mean() + NOTABLE * depth.std())
    cuts: list[int] = []
    for place in sorted(range(len(depth)), key=lambda at: (-depth[at], at)):
        at = place + 1
        if depth[place] <= bound or len(cuts) == MOST - 1:
            break
        if found[at].line != found[at - 1].line and all(_apart(found, at, cut) for cut in (0, *cuts, len(found))):
            cuts.append(at)
    return sorted(cuts)


def _apart(found: Sequence[Sentence], one: int, other: int) -> bool:
    first, last = sorted((one, other))
    begins, ends = found[first].start, found[min(last, len(found) - 1)].start
    long = begins is None or ends is None or ends - begins >= SHORTEST
    return last - first >= FEWEST and long


def _title(part: Sequence[Sentence], embed: Embed, code: str | None, names: frozenset[str]) -> str:
    """Its two best phrases; where it has none, how it begins."""
    title = ", ".join(str(topic["topic"]) for topic in topics(part, embed, code, 2, names)) or part[0].text
    short = title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    return short[:1].upper() + short[1:]
