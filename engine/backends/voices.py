"""From points to speakers: how many voices there are, what each is like, and which of them each moment belongs to.

Plain clustering into N gives a scrap of noise a voice of its own and two people one. Here a voice has to have spoken
for a while; scraps go to whom they are most like; and nobody is believed to speak for a moment between two others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.backends import partitions

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.intp]

LEAST_SECONDS = 1.0
"""A voice that spoke for less is a scrap of another, unless there are not enough others."""
DEPTH = 8
"""How many times as many pieces as voices are looked through for voices that spoke long enough."""
CANDIDATES = 4
"""Cuts that are compared."""
FURTHER = 0.08
"""Silhouette by which a deeper cut has to be better."""
IN_VAIN = 3
"""So many counts of voices, one after the other, that are no better than the best, end the search."""
ALIKE = 0.91
"""Two voices of which the cosine is above this are one, where nobody has said how many there are."""
STEADY = 0.83
"""So much more often than by chance two neighbouring points are one voice's, if the voices are real: one voice cut in
two changes sides at random."""
APART = 0.18
"""The least silhouette of real voices."""
ONE_MORE = 0.04
"""Silhouette that another voice has to be worth."""
MOST = 10
"""As many voices are found at most where nobody has said how many there are."""
SWITCH = 0.2
"""What a change of speaker costs, in cosine summed over points: a quarter second of doubt changes nothing."""
ROUNDS = 5
BLOCK = 2400
"""Points clustered at once (10 min of speech). More are first summed up block by block, KEPT of each, so that time and
memory grow with the hours and not with their square."""
KEPT = 40
FEWER = 3
"""So many of the voices that there are said to be may be nothing but a second each."""
ENOUGH = 3.2
"""Seconds of speech for each voice on the whole, below which too few points lie apart to compare partitions."""
SAMPLE = (8, 300)
"""Runs of points, and points of each, by which the number of voices is judged where there are more."""


@dataclass(frozen=True, slots=True)
class Points:
    """Moments of speech in order. `places` (n, 2) in seconds, `vectors` (n, d) of length 1, as float16."""

    places: npt.NDArray[np.float64]
    vectors: npt.NDArray[np.float16]

    def blocks(self) -> Sequence[slice]:
        return [slice(at, at + BLOCK) for at in range(0, len(self.places), BLOCK)]


@dataclass(frozen=True, slots=True)
class Told:
    """`labels` (n,) says whose each point is, `voices` (k, d) what each is like. Every voice has a point."""

    labels: Labels
    voices: Floats


def tell(points: Points, least: int, most: int) -> Told:
    """Between `least` and `most` voices, fewer where there are not so many points."""
    vectors, seconds = _summed_up(points)
    tree = _tree(vectors)
    if 2 <= least == most and len(points.places) <= BLOCK and seconds.sum() >= ENOUGH * most:
        return _shared_out(points, vectors, seconds, tree, most)
    most = min(most, len(vectors))
    counts = range(min(max(least, 1), most), most + 1)
    sample = _sample(points)
    best = _best(sample, _candidates(vectors, seconds, tree, counts[0]))
    most_worth = _worth(sample, best) if len(counts) > 1 else 0.0
    in_vain = 0
    for count in counts[1:]:
        voices = _best(sample, _candidates(vectors, seconds, tree, count))
        worth = _worth(sample, voices)
        in_vain = 0 if worth > most_worth else in_vain + 1
        if worth > most_worth:
            best, most_worth = voices, worth
        if in_vain == IN_VAIN:
            break
    return _settled(points, best)


def _shared_out(points: Points, vectors: Floats, seconds: Floats, tree: npt.NDArray[np.float64], count: int) -> Told:
    """Among exactly `count` voices, however little some of them said."""
    candidates = [
        labels
        for real in range(count, max(1, count - FEWER) - 1, -1)
        for labels in _partitions(points, vectors, seconds, tree, real)
    ]
    labels = partitions.best(vectors, points.places.mean(axis=1), candidates, count)
    return Told(labels, _means(vectors, labels))


def _partitions(
    points: Points, vectors: Floats, seconds: Floats, tree: npt.NDArray[np.float64], count: int
) -> Iterator[Labels]:
    """Average-linkage, steadied; as it is; and others, steadied."""
    plain, ward = _cut(tree, count), _cut(_tree(vectors, "ward", "euclidean"), count)
    yield _settled(points, _means(vectors, plain)).labels
    yield plain
    for voices in (*_candidates(vectors, seconds, tree, count), _means(vectors, ward)):
        yield _settled(points, voices).labels


def _best(sample: Points, candidates: Sequence[Floats]) -> Floats:
    """The first, unless another one's voices lie much further apart."""
    if len(candidates) == 1 or len(candidates[0]) < 2:
        return candidates[0]
    vectors = sample.vectors.astype(np.float32)
    apart = [_silhouette(vectors, (vectors @ voices.T).argmax(axis=1)) for voices in candidates]
    best = int(np.argmax(apart))
    return candidates[best if apart[best] > apart[0] + FURTHER else 0]


def _settled(points: Points, voices: Floats) -> Told:
    """Points and voices adjusted to each other until they agree."""
    labels = _assign(points, voices)
    for _ in range(ROUNDS):
        voices = _centres(points, labels, voices)
        again = _assign(points, voices)
        if np.array_equal(again, labels):
            break
        labels = again
    heard = np.unique(labels)
    return Told(np.searchsorted(heard, labels), voices[heard])


def _worth(sample: Points, voices: Floats) -> float:
    """How much speaks for just these voices; one voice is worth 0, and voices that are not real less."""
    if len(voices) < 2:
        return 0.0
    told = _settled(sample, voices)
    if len(told.voices) < len(voices) or _likeness(voices) > ALIKE:
        return -1.0
    vectors = sample.vectors.astype(np.float32)
    apart = _silhouette(vectors, told.labels)
    if _steadiness((vectors @ told.voices.T).argmax(axis=1)) < STEADY or apart < APART:
        return -1.0
    return max(0.01, apart - ONE_MORE * (len(voices) - 2))


def _steadiness(nearest: Labels) -> float:
    """1: neighbours are always one voice's; 0: as often as by chance."""
    chance = float(((np.bincount(nearest) / len(nearest)) ** 2).sum())
    return (float((nearest[1:] == nearest[:-1]).mean()) - chance) / max(1e-6, 1.0 - chance)


def _silhouette(vectors: Floats, labels: Labels) -> float:
    """How much nearer points are to their own voice's points than to the next one's (Rousseeuw 1987), -1..1."""
    distances = 1.0 - vectors @ vectors.T
    kinds, labels = np.unique(labels, return_inverse=True)
    if len(kinds) < 2:
        return 0.0
    of_each = np.stack([distances[:, labels == label].mean(axis=1) for label in range(len(kinds))], axis=1)
    own = of_each[np.arange(len(labels)), labels].copy()
    of_each[np.arange(len(labels)), labels] = np.inf
    other = of_each.min(axis=1)
    return float(((other - own) / np.maximum(np.maximum(own, other), 1e-6)).mean())


def _sample(points: Points) -> Points:
    runs, length = SAMPLE
    if len(points.places) <= runs * length:
        return points
    firsts = np.linspace(0, len(points.places) - length, runs).astype(int)
    kept = np.concatenate([np.arange(first, first + length) for first in firsts])
    return Points(points.places[kept], points.vectors[kept])


def unit(vectors: npt.NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float32)
    scaled: Floats = wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), np.float32(1e-9))
    return scaled


def _summed_up(points: Points) -> tuple[Floats, Floats]:
    """What is to be clustered, and the seconds that each stands for: the points, or what is left of many blocks."""
    seconds = (points.places[:, 1] - points.places[:, 0]).astype(np.float32)
    if len(seconds) <= BLOCK:
        return points.vectors.astype(np.float32), seconds
    vectors, weights = [], []
    for block in points.blocks():
        inside = points.vectors[block].astype(np.float32)
        labels = _cut(_tree(inside), KEPT)
        vectors += [unit(inside[labels == label].mean(axis=0)) for label in np.unique(labels)]
        weights.append(np.bincount(labels, seconds[block]))
    return np.stack(vectors), np.concatenate(weights).astype(np.float32)


def _candidates(vectors: Floats, seconds: Floats, tree: npt.NDArray[np.float64], count: int) -> list[Floats]:
    """Centres of the `count` clusters that spoke longest, from cuts of the tree of more and more pieces.

    The first cuts often part a scrap from everybody; two people come apart further down.
    """
    found: list[Floats] = []
    for pieces in range(count, min(len(vectors), count * DEPTH) + 1):
        labels = _cut(tree, pieces)
        spoken = np.bincount(labels, seconds)
        kept = np.argsort(-spoken, kind="stable")[:count]
        if spoken[kept[-1]] >= LEAST_SECONDS:
            found.append(np.stack([unit(vectors[labels == label].mean(axis=0)) for label in kept]))
        if len(found) == CANDIDATES:
            break
    if not found:
        found = [_means(vectors, _cut(tree, count))]
    return found


def _means(vectors: Floats, labels: Labels) -> Floats:
    return np.stack([unit(vectors[labels == label].mean(axis=0)) for label in range(labels.max() + 1)])


def _likeness(voices: Floats) -> float:
    """Of the two that are most alike."""
    cosines = voices @ voices.T
    np.fill_diagonal(cosines, -1.0)
    return float(cosines.max())


def _tree(vectors: Floats, method: str = "average", metric: str = "cosine") -> npt.NDArray[np.float64]:
    from scipy.cluster.hierarchy import linkage

    if len(vectors) < 2:
        return np.zeros((0, 4))
    tree: npt.NDArray[np.float64] = linkage(vectors, method, metric)
    return tree


def _cut(tree: npt.NDArray[np.float64], pieces: int) -> Labels:
    from scipy.cluster.hierarchy import fcluster

    if not len(tree):
        return np.zeros(1, dtype=np.intp)
    labels: Labels = np.unique(fcluster(tree, pieces, "maxclust"), return_inverse=True)[1]
    return labels


def _centres(points: Points, labels: Labels, voices: Floats) -> Floats:
    sums = np.zeros_like(voices)
    for block in points.blocks():
        inside, own = points.vectors[block].astype(np.float32), labels[block]
        for label in np.unique(own):
            sums[label] += inside[own == label].sum(axis=0)
    silent = np.bincount(labels, minlength=len(voices)) == 0
    sums[silent] = voices[silent]
    return unit(sums)


def _assign(points: Points, voices: Floats) -> Labels:
    """The likeliest sequence of speakers (Viterbi): cosines summed up, less SWITCH for every change."""
    cosines = np.concatenate([points.vectors[block].astype(np.float32) @ voices.T for block in points.blocks()])
    count, size = cosines.shape
    came_from = np.zeros((count, size), dtype=np.int16)
    stay, everyone = cosines[0].copy(), np.arange(size)
    for at in range(1, count):
        leader = int(stay.argmax())
        changed = stay[leader] - SWITCH
        came_from[at] = np.where(stay >= changed, everyone, leader)
        stay = np.maximum(stay, changed) + cosines[at]
        stay -= stay.max()
    labels = np.zeros(count, dtype=np.intp)
    labels[-1] = int(stay.argmax())
    for at in range(count - 1, 0, -1):
        labels[at - 1] = came_from[at, labels[at]]
    return labels
