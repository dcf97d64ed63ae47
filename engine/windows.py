"""Cuts a stream into batches of windows, in silence.

What comes out depends on the samples and on `batch_windows` alone, never on timing, and the detector starts afresh
behind each batch: cutting can be taken up again at any batch's end and goes on as if it had never stopped.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from engine.protocols import Samples, Window
from engine.snr import frame_powers, levels
from engine.types import SAMPLE_RATE, Levels, Span
from engine.vad import FRAME, STEP, SpeechDetector, SpeechTracker, to_seconds

WINDOW_LIMIT = 30 * SAMPLE_RATE
"""What Whisper takes in one go."""
FIRST_WINDOW = 8 * SAMPLE_RATE
"""The first window closes at the first pause behind this much speech, so that text appears early."""
PAD = 400 * SAMPLE_RATE // 1000
"""Kept on both sides of speech; a longer silence is left out of a window."""
BEST_CUT_FROM = 0.8
"""A full window is cut at the longest pause of its last fifth."""
SPARSE_WINDOW = 120 * SAMPLE_RATE
"""A window with little speech waits no longer than this for more."""
BATCH_LIMIT = 600 * SAMPLE_RATE
"""In silence a batch closes behind this much audio, full or not: a checkpoint, and a bound on memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`start` and `end` in samples; `speech` is where the detector heard speech, `windows` what to recognise."""

    index: int
    start: int
    end: int
    windows: tuple[Window, ...]
    speech: tuple[Span, ...]
    levels: Levels


def part(window: Window, start: float, end: float) -> Window:
    """What of a window lies between two seconds of the file."""
    at = 0
    samples: list[Samples] = []
    spans: list[Span] = []
    for span in window.spans:
        left, right = max(span.start, start), min(span.end, end)
        if left < right:
            first = at + round((left - span.start) * SAMPLE_RATE)
            samples.append(window.samples[first : at + round((right - span.start) * SAMPLE_RATE)])
            spans.append(Span(left, right))
        at += round((span.end - span.start) * SAMPLE_RATE)
    return replace(window, samples=np.concatenate(samples), spans=tuple(spans), features=None)


def batches(
    blocks: Iterable[npt.NDArray[np.int16]], *, batch_windows: int, start: int = 0, index: int = 0
) -> Iterator[Batch]:
    """Batches `index`, `index` + 1, ... of the audio behind sample `start`; the last one ends where the audio ends.

    Early batches are small: one window, two, four, and so on up to `batch_windows`.
    """
    tape = _Tape(iter(blocks), start)
    while tape.holds(start):
        cut = [_Cutter(tape, start, index, wanted=min(batch_windows, 2 ** min(index, 16))).run()]
        start, index = cut[0].end, index + 1
        tape.forget(start)
        yield cut.pop()  # not kept here while its taker goes on


class _Tape:
    """Random access to the part of a stream that may still be needed."""

    def __init__(self, blocks: Iterator[npt.NDArray[np.int16]], start: int) -> None:
        self._blocks = blocks
        self._kept: deque[tuple[int, npt.NDArray[np.int16]]] = deque()
        self._needed_from = start
        self._end = 0

    def holds(self, sample: int) -> bool:
        while self._end <= sample:
            block = next(self._blocks, None)
            if block is None:
                return False
            if len(block) and self._end + len(block) > self._needed_from:
                self._kept.append((self._end, block))
            self._end += len(block)
        return True

    def read(self, start: int, end: int) -> npt.NDArray[np.int16]:
        """Samples `start` to `end`, fewer at the end of the audio."""
        self.holds(end - 1)
        parts = [
            block[max(0, start - at) : end - at] for at, block in self._kept if at < end and at + len(block) > start
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def forget(self, before: int) -> None:
        self._needed_from = max(self._needed_from, before)
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= before:
            self._kept.popleft()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of speech and the audio around it, in samples."""

    left: int
    right: int
    speech_start: int
    speech_end: int

    @property
    def length(self) -> int:
        return self.right - self.left


class _Cutter:
    """One batch. Pieces gather until they make a window, windows until they make the batch."""

    def __init__(self, tape: _Tape, start: int, index: int, wanted: int) -> None:
        self.tape, self.start, self.index, self.wanted = tape, start, index, wanted
        self.target = FIRST_WINDOW if index == 0 else WINDOW_LIMIT
        self.detector, self.tracker = SpeechDetector(), SpeechTracker()
        self.now = start
        self.edge = start
        """Audio before it belongs to earlier pieces."""
        self.ended: tuple[int, int] | None = None
        """Speech that is over, while its piece may still grow on the right."""
        self.pieces: list[_Piece] = []
        self.windows: list[Window] = []
        self.speech: list[Span] = []
        self.powers: list[float] = []
        self.cut_at = start

    def run(self) -> Batch:
        at = self.start
        while len(samples := self.tape.read(at, at + STEP)):
            self.powers += frame_powers(samples, FRAME)
            for probability in self.detector.probabilities(samples):
                self._frame(probability)
                if len(self.windows) == self.wanted:
                    return self._batch(self.cut_at)
            at += len(samples)
            if self._idle_too_long():
                return self._batch(self.now)
            self.tape.forget(self._oldest_needed())
        self.now = at
        self._finish()
        return self._batch(at if len(self.windows) < self.wanted or not self.pieces else self.cut_at)

    def _frame(self, probability: float) -> None:
        stretch = self.tracker.push(probability)
        self.now += FRAME
        if stretch:
            self.ended = self._samples(stretch)
        speaking = self._speaking_since()
        if self.ended:
            end = self.ended[1]
            if speaking is not None:
                self._take(*self.ended, right=end + min(PAD, (speaking - end) // 2))
            elif self.now - end >= 2 * PAD:
                self._take(*self.ended, right=end + PAD)
        if speaking is not None and self.now - self._left(speaking) >= WINDOW_LIMIT - PAD:
            self._force_cut(speaking)

    def _force_cut(self, speaking: int) -> None:
        """Speech without a pause for a whole window: cut at the quietest place of its last third."""
        left = self._left(speaking)
        first = left + WINDOW_LIMIT * 2 // 3
        cut = first + quietest(self.tape.read(first, self.now))
        self._take(speaking, cut, right=cut)
        self.tracker.cut((cut - self.start) // FRAME)

    def _take(self, speech_start: int, speech_end: int, *, right: int) -> None:
        piece = _Piece(self._left(speech_start), right, speech_start, speech_end)
        self.ended, self.edge = None, right
        if self._length() + piece.length > WINDOW_LIMIT:
            self._close_window(self._best_cut(piece))
        self.pieces.append(piece)
        if self._length() >= self.target:
            self._close_window(len(self.pieces))

    def _best_cut(self, following: _Piece) -> int:
        """How many pieces the full window takes, so that the rest and `following` fit into the next one."""
        lengths = list(accumulate(piece.length for piece in self.pieces))
        behind = [*self.pieces[1:], following]
        pauses = {
            count: min(behind[count - 1].speech_start - self.pieces[count - 1].speech_end, 2 * PAD)
            for count in range(1, len(self.pieces) + 1)
            if lengths[count - 1] >= BEST_CUT_FROM * WINDOW_LIMIT
            and lengths[-1] - lengths[count - 1] + following.length <= WINDOW_LIMIT
        }
        return max(pauses, key=lambda count: (pauses[count], count), default=len(self.pieces))

    def _close_window(self, count: int) -> None:
        if not count or len(self.windows) == self.wanted:
            return
        taken, self.pieces = self.pieces[:count], self.pieces[count:]
        self.windows.append(self._window(taken))
        self.speech += [Span(to_seconds(piece.speech_start), to_seconds(piece.speech_end)) for piece in taken]
        self.cut_at = taken[-1].right

    def _window(self, pieces: list[_Piece]) -> Window:
        spans: list[tuple[int, int]] = []
        for piece in pieces:
            if spans and spans[-1][1] == piece.left:
                spans[-1] = (spans[-1][0], piece.right)
            else:
                spans.append((piece.left, piece.right))
        audio = np.concatenate([self.tape.read(left, right) for left, right in spans]).astype(np.float32)
        audio /= 32768.0
        return Window(audio, tuple(Span(to_seconds(left), to_seconds(right)) for left, right in spans))

    def _finish(self) -> None:
        stretch = self.tracker.finish()
        if stretch:
            self.ended = self._samples(stretch)
        if self.ended:
            start, end = self.ended[0], min(self.ended[1], self.now)
            self._take(start, end, right=min(self.now, end + PAD))
        self._close_window(len(self.pieces))

    def _idle_too_long(self) -> bool:
        """In silence, close what has waited long enough; is the batch to end here?"""
        if self.ended or self.tracker.speaking_since is not None:
            return False
        if self.pieces and self.now - self.pieces[0].left >= SPARSE_WINDOW:
            self._close_window(len(self.pieces))
        if self.now - self.start >= BATCH_LIMIT:
            self._close_window(len(self.pieces))
            return True
        return len(self.windows) == self.wanted

    def _batch(self, end: int) -> Batch:
        speech, seconds = tuple(self.speech), FRAME / SAMPLE_RATE
        heard = self.powers[: (end - self.start) // FRAME]
        measured = levels(heard, speech, start=to_seconds(self.start), seconds=seconds)
        return Batch(self.index, self.start, end, tuple(self.windows), speech, measured)

    def _oldest_needed(self) -> int:
        speaking = self._speaking_since()
        starts = [piece.left for piece in self.pieces[:1]]
        starts += [self._left(self.ended[0])] if self.ended else []
        starts += [self._left(speaking)] if speaking is not None else []
        return min([*starts, max(self.edge, self.now - PAD - FRAME)])

    def _speaking_since(self) -> int | None:
        since = self.tracker.speaking_since
        return None if since is None else max(self.start + since * FRAME, self.edge)

    def _left(self, speech_start: int) -> int:
        return max(speech_start - PAD, self.edge)

    def _samples(self, stretch: tuple[int, int]) -> tuple[int, int]:
        return max(self.start + stretch[0] * FRAME, self.edge), self.start + stretch[1] * FRAME

    def _length(self) -> int:
        return sum(piece.length for piece in self.pieces)


def quietest(samples: npt.NDArray[np.int16], width: int = 160 * SAMPLE_RATE // 1000) -> int:
    """The middle of the `width` samples with the least energy."""
    power = np.concatenate(([0.0], np.cumsum(samples.astype(np.float64) ** 2)))
    if len(samples) <= width:
        return len(samples) // 2
    return int(np.argmin(power[width:] - power[:-width])) + width // 2
