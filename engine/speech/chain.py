"""FFmpeg's audio filters over 16-bit mono samples, a block at a time."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.int16]
Filter = tuple[str, str]
"""Name and arguments, as FFmpeg writes them."""


class Chain:
    """Filters in a row. `metadata` is what the last of them noted about the newest frame."""

    def __init__(self, rate: int, *filters: Filter) -> None:
        self.metadata: dict[str, str] = {}
        self._rate = rate
        self._samples = 0
        self._graph = av.filter.Graph()
        ends = ("aformat", f"sample_fmts=s16:sample_rates={rate}:channel_layouts=mono"), ("abuffersink", "")
        nodes = [
            self._graph.add_abuffer(format="s16", sample_rate=rate, layout="mono", time_base=Fraction(1, rate)),
            *(self._graph.add(name, arguments) for name, arguments in (*filters, *ends)),
        ]
        for node, following in pairwise(nodes):
            node.link_to(following)
        self._graph.configure()

    def run(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            self._graph.push(self._frame(block))
            yield from self._pull()
        self._graph.push(None)
        yield from self._pull()

    def _frame(self, block: Block) -> Any:
        frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._samples
        self._samples += len(block)
        return frame

    def _pull(self) -> Iterator[Block]:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self.metadata = dict(frame.metadata) or self.metadata
            yield frame.to_ndarray()[0]


def exactly(blocks: Iterable[Block], samples: int, *, skip: int = 0) -> Iterator[Block]:
    """`samples` of them behind the first `skip`; silence where they end too early."""
    left = samples
    for block in blocks:
        skipped, skip = min(skip, len(block)), max(0, skip - len(block))
        taken = block[skipped : skipped + left]
        left -= len(taken)
        if len(taken):
            yield taken
    while left:
        silence = np.zeros(min(left, 1 << 16), dtype=np.int16)
        left -= len(silence)
        yield silence
