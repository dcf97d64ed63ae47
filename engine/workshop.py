"""What all runs share ahead of the device: threads that make features, and room in memory for windows."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from engine.errors import Cancelled
from engine.types import Priority

GLANCE = 0.1
"""Seconds between two looks at whether a waiting run was given up."""
_RANKS: dict[Priority, int] = {"live_final": 0, "live_partial": 0, "interactive": 1, "bulk": 2}


class Workshop:
    """`threads` make features for all runs. `room` windows may lie in memory beyond the one batch that every run may
    always have: so memory grows by one batch a run, not by all that each could make ready."""

    def __init__(self, threads: int, room: int) -> None:
        self.features = ThreadPoolExecutor(threads, thread_name_prefix="features")
        self._room = self._left = room
        self._line: list[tuple[int, int]] = []
        self._tickets = 0
        self._changed = threading.Condition()

    def take(
        self, windows: int, priority: Priority, *, given_up: Callable[[], bool], needless: Callable[[], bool]
    ) -> int:
        """Wait for room; returns how much was taken, to be given back. People who wait go first. Raises Cancelled."""
        windows = min(windows, self._room)
        with self._changed:
            self._tickets += 1
            ticket = (_RANKS[priority], self._tickets)
            self._line.append(ticket)
            try:
                while not needless():
                    if given_up():
                        raise Cancelled
                    if self._left >= windows and ticket == min(self._line):
                        self._left -= windows
                        return windows
                    self._changed.wait(GLANCE)
                return 0
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def give_back(self, windows: int) -> None:
        with self._changed:
            self._left += windows
            self._changed.notify_all()

    def close(self) -> None:
        self.features.shutdown(wait=False, cancel_futures=True)
