"""Each channel of a recording as a speaker of its own.

Batches are cut where all channels are silent, so that a chunk means a stretch of the recording here as well; within
a batch each channel is cut into windows on its own.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine import windows
from engine.known_speakers import numbered
from engine.protocols import Window
from engine.types import SAMPLE_RATE, Segment, Span, Transcript, Turn
from engine.vad import overlap, to_seconds
from engine.windows import Batch

HOP = SAMPLE_RATE // 20
SMOOTHING = 5
"""Hops over which loudness and likeness are taken: a quarter of a second."""
BLEEDING = 10.0
"""A channel with this many times less power than another hears that other one's voice."""
COPY = 0.9
"""From this correlation on, two channels hold the same sound; the louder keeps it, or the first of equals."""
ALL = 1 << 16

Pcm = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]


def batches(blocks: Iterable[Pcm], *, batch_windows: int, start: int = 0, index: int = 0) -> Iterator[Batch]:
    """As windows.batches, for blocks of (samples, channels). A window says which channel it is of."""
    reel = _Reel(blocks, start)
    cut = windows.batches(reel.mixed(), batch_windows=batch_windows, start=start, index=index)
    for batch in cut:
        yield _by_channel(batch, without_crosstalk(reel.take(batch.start, batch.end)))


def without_crosstalk(samples: Pcm) -> Pcm:
    """(samples, channels) with silence where a channel only overhears another: nobody is to be heard twice."""
    count = samples.shape[1]
    if count == 1 or not len(samples):
        return samples
    power = np.stack([_smooth(_hops(samples[:, channel]) ** 2) for channel in range(count)])
    overheard = power * BLEEDING < power.max(axis=0)
    for first in range(count):
        for second in range(first + 1, count):
            cross = _smooth(_hops(samples[:, first]) * _hops(samples[:, second]))
            copied = cross > COPY * np.sqrt(power[first] * power[second])
            overheard[first] |= copied & (power[second] > power[first])
            overheard[second] |= copied & (power[second] <= power[first])
    return np.where(np.repeat(overheard.T, HOP, axis=0)[: len(samples)], np.int16(0), samples)


def attributed(window: Window, segments: Sequence[Segment]) -> list[Segment]:
    """What was recognised in `window`, under the name of its channel."""
    if window.channel is None:
        return list(segments)
    return [replace(segment, speaker=f"Channel {window.channel + 1}") for segment in segments]


def as_speakers(transcript: Transcript) -> Transcript:
    """`Speaker 1` is the channel that speaks first."""
    names = numbered(segment.speaker for segment in transcript.segments if segment.speaker)
    segments = tuple(
        replace(segment, speaker=names[segment.speaker]) if segment.speaker else segment
        for segment in transcript.segments
    )
    turns = tuple(Turn(segment.start, segment.end, segment.speaker) for segment in segments if segment.speaker)
    return replace(transcript, segments=segments, speakers=tuple(names.values()), turns=turns)


class _Reel:
    """The channels of what the mix has been cut from, until they are taken."""

    def __init__(self, blocks: Iterable[Pcm], start: int) -> None:
        self._blocks = blocks
        self._kept: deque[tuple[int, Pcm]] = deque()
        self._needed_from = start

    def mixed(self) -> Iterator[Pcm]:
        at = 0
        for block in self._blocks:
            if at + len(block) > self._needed_from:
                self._kept.append((at, block))
            at += len(block)
            yield np.rint(block.mean(axis=1)).astype(np.int16)

    def take(self, start: int, end: int) -> Pcm:
        taken = np.concatenate([block[max(0, start - at) : end - at] for at, block in self._kept if at < end])
        self._needed_from = end
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= end:
            self._kept.popleft()
        return taken


def _by_channel(batch: Batch, samples: Pcm) -> Batch:
    found: list[Window] = []
    for channel in range(samples.shape[1]):
        alone = np.ascontiguousarray(samples[:, channel])
        for part in windows.batches([alone], batch_windows=ALL, index=batch.index):
            speech = _shifted(part.speech, batch.start)
            found += [_placed(window, batch.start, channel, speech) for window in part.windows]
    found.sort(key=lambda window: (window.spans[0].start, window.channel))
    return replace(batch, windows=tuple(found), speech=_union(span for window in found for span in window.speech))


def _placed(window: Window, start: int, channel: int, speech: Sequence[Span]) -> Window:
    spans = _shifted(window.spans, start)
    mine = tuple(span for span in speech if overlap(span, spans) > 0)
    return replace(window, spans=spans, channel=channel, speech=mine)


def _shifted(spans: Iterable[Span], start: int) -> tuple[Span, ...]:
    return tuple(Span(_shift(span.start, start), _shift(span.end, start)) for span in spans)


def _shift(seconds: float, start: int) -> float:
    # By samples: a sum of two floats is not the float of the sum.
    return to_seconds(start + round(seconds * SAMPLE_RATE))


def _union(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def _hops(samples: Pcm) -> Floats:
    """(hops, HOP), the last one filled up with silence."""
    padded = np.zeros(-(-len(samples) // HOP) * HOP, dtype=np.float32)
    padded[: len(samples)] = samples
    return padded.reshape(-1, HOP)


def _smooth(hops: Floats) -> Floats:
    """The mean of each hop and its neighbours."""
    means = np.pad(hops.mean(axis=1), SMOOTHING // 2, mode="edge")
    smooth: Floats = np.convolve(means, np.full(SMOOTHING, 1 / SMOOTHING), mode="valid").astype(np.float32)
    return smooth
