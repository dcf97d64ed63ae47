"""Which sentences a text turns around, and a choice among them that does not say the same twice.

Sentences are near each other by their embedding and by the words that they share: the embedding model learned from
English, shared words know no language.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from engine.text.languages import content_words
from engine.text.sentences import Sentence

Vectors = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Embed = Callable[[Sequence[str]], Vectors]

MOST_READ = 800
"""Sentences that are embedded; of a longer text every n-th is, so that all of it has a say."""
SHORTEST, LONGEST = 5, 40
"""Words of a sentence that can stand for others."""
BUCKETS = 2048
DAMPING, ROUNDS = 0.85, 30
REPEATS = 0.6
"""How much of a sentence's weight it loses where it only repeats what was chosen."""


def readable(sentences: Sequence[Sentence], most: int = MOST_READ) -> list[Sentence]:
    """Those that say something; of too many, evenly every n-th."""
    telling = [
        sentence for sentence in sentences if sentence.text.count(" ") + 1 >= SHORTEST or len(sentence.text) >= 40
    ]
    return evenly(telling or list(sentences), most)


def evenly(sentences: Sequence[Sentence], most: int) -> list[Sentence]:
    if len(sentences) <= most:
        return list(sentences)
    return [sentences[at * len(sentences) // most] for at in range(most)]


def vectors(sentences: Sequence[Sentence], embed: Embed, code: str | None) -> Vectors:
    """A unit row a sentence: half what it means, half which words it has."""
    if not sentences:
        return np.zeros((0, BUCKETS), dtype=np.float32)
    meaning = embed([sentence.text for sentence in sentences])
    shared = np.zeros((len(sentences), BUCKETS), dtype=np.float32)
    counts = [Counter(content_words(sentence.text, code)) for sentence in sentences]
    spread = Counter(word for count in counts for word in count)
    for row, count in zip(shared, counts, strict=True):
        for word, times in count.items():
            row[crc32(word.encode()) % BUCKETS] += times * np.log(1 + len(sentences) / spread[word])
    return np.hstack([_unit(meaning), _unit(shared)]) * np.float32(np.sqrt(0.5))


def central(rows: Vectors) -> Weights:
    """PageRank over likeness, 0 to 1: a sentence counts by how many that count are like it."""
    count = len(rows)
    if count == 0:
        return np.zeros(0)
    near = np.clip(rows @ rows.T, 0, None).astype(np.float64)
    np.fill_diagonal(near, 0)
    total = near.sum(axis=0)
    moves = np.divide(near, total, out=np.full_like(near, 1 / count), where=total > 0)
    weights = np.full(count, 1 / count)
    for _ in range(ROUNDS):
        weights = (1 - DAMPING) / count + DAMPING * (moves @ weights)
    return np.asarray(weights / weights.max())


def chosen(rows: Vectors, weights: Weights, most: int) -> list[int]:
    """The heaviest that repeat each other least, in their order in the text (maximal marginal relevance)."""
    left = np.asarray(weights, dtype=np.float64).copy()
    nearest = np.zeros(len(left))
    picked: list[int] = []
    while len(picked) < min(most, len(left)):
        worth = left - REPEATS * nearest
        worth[picked] = -np.inf
        best = int(np.argmax(worth))
        picked.append(best)
        nearest = np.maximum(nearest, rows @ rows[best])
    return sorted(picked)


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)
