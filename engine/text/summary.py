"""A summary of the text's own sentences, in their order."""

from collections.abc import Sequence

import numpy as np

from engine.text import ranking
from engine.text.actions import action_items
from engine.text.languages import content_words, phrasebooks
from engine.text.questions import is_question
from engine.text.ranking import Embed, Vectors, Weights
from engine.text.sentences import Sentence
from engine.text.types import Answer, Style

LENGTHS: dict[Style, int] = {"brief": 3, "detailed": 9, "bullet_points": 7}
SHARE = 2
"""A summary is at most one sentence in so many."""
OPENING, OPENING_BONUS = 0.15, 0.1
"""What a talk is about is said in its first part more often than elsewhere."""
QUESTION, THIN = 0.5, 0.6
"""What is left of the weight of a question, and of a sentence with fewer than three words of its own."""


def summary(found: Sequence[Sentence], embed: Embed, style: Style, code: str | None, names: frozenset[str]) -> Answer:
    if style == "action_items":
        points = list(action_items(found, code, names))
        return {"summary": _bullets(points), "points": points}
    picked = central_sentences(found, embed, LENGTHS[style], code)
    points = [sentence.point() for sentence in picked]
    text = _bullets(points) if style == "bullet_points" else " ".join(sentence.text for sentence in picked)
    return {"summary": text, "points": points}


def central_sentences(found: Sequence[Sentence], embed: Embed, most: int, code: str | None) -> list[Sentence]:
    telling = ranking.readable(found)
    rows = ranking.vectors(telling, embed, code)
    count = max(1, min(most, len(telling) // SHARE))
    return [telling[at] for at in ranking.chosen(rows, weights(telling, rows, code), count)]


def weights(found: Sequence[Sentence], rows: Vectors, code: str | None) -> Weights:
    books = phrasebooks(code)
    weight = ranking.central(rows)
    for at, sentence in enumerate(found):
        own = content_words(sentence.text, code)
        if is_question(sentence.text, books):
            weight[at] *= QUESTION
        if len(set(own)) < 3:
            weight[at] *= THIN
        if at < OPENING * len(found):
            weight[at] += OPENING_BONUS
    return np.asarray(weight)


def _bullets(points: Sequence[Answer]) -> str:
    return "\n".join(f"- {point['text']}" for point in points)
