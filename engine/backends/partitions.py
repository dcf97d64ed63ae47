"""Which of several ways to share speech out among a known number of voices is best.

Two moments speak for or against one voice only if they do not sound the same anyway: points less than APART seconds
apart were taken from the same audio. Of all others the cosine should be above a level where they share a voice, and
below it where they do not (correlation clustering; Bansal, Blum and Chawla 2004). What lies between is the recording's:
its room, its noise and its telephone make every voice more or less like itself.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.intp]

APART = 1.6
"""Seconds; the longest window of a point."""
SOON = 1.0
"""Seconds beyond APART within which the voice is mostly still the same."""
SAME = 0.75
"""Quantile of the cosines of points so close: there the voice is certainly the same,"""
BELOW = 0.065
"""and so much below it begins another. From 0.05 to 0.08 there is little difference (benchmarks/RESULTS.md)."""
BETTER = 0.15
"""Share of its worth by which the first partition has to be surpassed."""
SCRAP = 4
"""Points; about a second."""


def best(vectors: Floats, times: npt.NDArray[np.float64], candidates: Iterable[Labels], count: int) -> Labels:
    """The first of `candidates` (labels from 0 on, at most `count`) or a clearly better one, in `count` voices.

    `vectors` (n, d) of length 1, `times` (n,) in seconds. Where a candidate has fewer voices each of the others gets
    the second that is least like the rest of its voice: that there is one is known, but no more is.
    """
    cosines = vectors @ vectors.T
    lags = np.abs(times[:, None] - times[None, :])
    apart = lags >= APART
    soon = cosines[apart & (lags < APART + SOON)]
    level = (float(np.quantile(soon, SAME)) if len(soon) else 1.0) - BELOW
    alike = np.where(apart, cosines, 0.0).astype(np.float32)
    gain = np.where(apart, cosines - level, 0.0).astype(np.float32)
    whole = [_with_scraps(labels, alike, apart.astype(np.float32), count) for labels in candidates]
    worth = [_worth(labels, gain) for labels in whole]
    leader = int(np.argmax(worth))
    return whole[leader if worth[leader] > worth[0] + BETTER * abs(worth[0]) else 0]


def _worth(labels: Labels, gain: Floats) -> float:
    voices = _members(labels)
    return float(((gain @ voices) * voices).sum())


def _with_scraps(labels: Labels, alike: Floats, apart: Floats, count: int) -> Labels:
    labels = labels.copy()
    while labels.max() + 1 < count and (at := _stray(labels, alike, apart)) is not None:
        labels[at : at + SCRAP] = labels.max() + 1
    return labels


def _stray(labels: Labels, alike: Floats, apart: Floats) -> int | None:
    """Where the SCRAP points begin that are least like the rest of their voice. None: every voice is a scrap."""
    voices = _members(labels)
    others = (apart @ voices)[np.arange(len(labels)), labels]
    likeness = np.where(others > 0, (alike @ voices)[np.arange(len(labels)), labels] / np.maximum(others, 1), 1.0)
    runs = np.lib.stride_tricks.sliding_window_view(labels, SCRAP)
    free = (runs == runs[:, :1]).all(axis=1) & (np.bincount(labels)[runs[:, 0]] >= 2 * SCRAP)
    if not free.any():
        return None
    means = np.lib.stride_tricks.sliding_window_view(likeness, SCRAP).mean(axis=1)
    return int(np.where(free, means, np.inf).argmin())


def _members(labels: Labels) -> Floats:
    """(n, voices): 1 where the point is the voice's."""
    return np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
