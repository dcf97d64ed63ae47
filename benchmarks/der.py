"""Diarization error: how much of the speech is missed, made up, or given to the wrong voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types import Turn

STEP = 0.01
"""Seconds; a boundary is no finer."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of the reference's speech, overlapping speech counted for each voice."""

    missed: float
    false_alarm: float
    confusion: float

    @property
    def rate(self) -> float:
        return self.missed + self.false_alarm + self.confusion


def errors(reference: Sequence[Turn], found: Sequence[Turn], duration: float, collar: float = 0.25) -> Errors:
    """`collar` seconds around each boundary of the reference, half on each side, do not count.

    The names of the two sides are matched so that they agree for the longest time.
    """
    counted = _counted(reference, duration, collar)
    truth, guess = _marks(reference, duration)[:, counted], _marks(found, duration)[:, counted]
    speaking, said = truth.sum(axis=0), guess.sum(axis=0)
    total = speaking.sum()
    right = _agreement(truth, guess)
    return Errors(
        missed=float(np.maximum(speaking - said, 0).sum() / total),
        false_alarm=float(np.maximum(said - speaking, 0).sum() / total),
        confusion=float((np.minimum(speaking, said).sum() - right) / total),
    )


def read_rttm(file: Path) -> tuple[Turn, ...]:
    rows = [line.split() for line in file.read_text().splitlines() if line.startswith("SPEAKER")]
    return tuple(Turn(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows)


def _agreement(truth: npt.NDArray[np.int64], guess: npt.NDArray[np.int64]) -> int:
    from scipy.optimize import linear_sum_assignment

    together = truth @ guess.T
    rows, columns = linear_sum_assignment(together, maximize=True)
    return int(together[rows, columns].sum())


def _marks(turns: Sequence[Turn], duration: float) -> npt.NDArray[np.int64]:
    """(speakers, steps): does this voice speak?"""
    names = sorted({turn.speaker for turn in turns})
    marks = np.zeros((len(names), round(duration / STEP)), dtype=np.int64)
    for turn in turns:
        marks[names.index(turn.speaker), round(turn.start / STEP) : round(turn.end / STEP)] = 1
    return marks


def _counted(reference: Sequence[Turn], duration: float, collar: float) -> npt.NDArray[np.bool_]:
    counted = np.ones(round(duration / STEP), dtype=np.bool_)
    for turn in reference:
        for edge in (turn.start, turn.end):
            counted[max(0, round((edge - collar / 2) / STEP)) : max(0, round((edge + collar / 2) / STEP))] = False
    return counted
