"""The part of a live stream that may still be needed."""

from collections import deque

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]


class Tape:
    """Samples by their place in the stream. Memory grows with what has not been forgotten."""

    def __init__(self, start: int = 0) -> None:
        self.start = self.end = start
        self._blocks: deque[tuple[int, Pcm]] = deque()

    def write(self, pcm: Pcm) -> None:
        if len(pcm):
            self._blocks.append((self.end, pcm))
            self.end += len(pcm)

    def read(self, start: int, end: int) -> Pcm:
        """What is left of it, where some has been forgotten."""
        parts = [
            block[max(0, start - at) : end - at] for at, block in self._blocks if at < end and at + len(block) > start
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def forget(self, before: int) -> None:
        """Whole blocks only."""
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= before:
            self._blocks.popleft()
        self.start = self._blocks[0][0] if self._blocks else self.end
