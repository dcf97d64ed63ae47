"""How long live answers take at present, over all sessions: it says how often to ask, and whether one more may come."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.types import SAMPLE_RATE

WEIGHT = 0.2
"""Of the newest answer in the running mean."""
LONGEST_STEP = 2.0
FULL = 1.0
"""Seconds: with answers this slow nobody new is let in."""
TOO_SLOW = 1.5
"""With answers this slow only finals are asked for."""
FORGOTTEN = 5.0
"""Seconds without an answer after which the last ones say nothing about now."""


class Load:
    """Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._mean = 0.0
        self._last = clock()
        self.sessions = 0

    def answered(self, seconds: float) -> None:
        with self._guard:
            if self._clock() - self._last > FORGOTTEN:
                self._mean = seconds
            self._mean += WEIGHT * (seconds - self._mean)
            self._last = self._clock()

    @property
    def seconds(self) -> float:
        with self._guard:
            return self._mean if self._clock() - self._last <= FORGOTTEN else 0.0

    @property
    def full(self) -> bool:
        return self.seconds > FULL

    @property
    def degraded(self) -> bool:
        return self.seconds > TOO_SLOW

    def step(self, wanted: int) -> int:
        """Samples between two looks at an utterance: at least `wanted`, and twice what a look takes."""
        return max(wanted, round(min(LONGEST_STEP, 2 * self.seconds) * SAMPLE_RATE))

    @contextmanager
    def session(self) -> Iterator[None]:
        with self._guard:
            self.sessions += 1
        try:
            yield
        finally:
            with self._guard:
                self.sessions -= 1
