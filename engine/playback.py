"""The browser's copy of a recording: seeks in it land where they should, whatever was uploaded."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from engine.audio import Block, Decoder, PcmStream
from engine.types import Playback

PEAKS = 2_000
PLAYBACK_RATE = 24_000
"""Hz. The MP4 muxer keeps an index entry a packet until the end, and a packet is 1024 samples: this is half the memory
(and time) of 48 kHz, and above 12 kHz speech has nothing to say."""
BIT_RATE = 48_000
FULL_SCALE = 32_768
# moov in front, so that playing and seeking start with the first bytes. The quick coder halves the time of the
# default one at the same size.
MP4_OPTIONS = {"movflags": "+faststart"}
AAC_OPTIONS = {"aac_coder": "fast"}


def make_playback(
    decoder: Decoder, source: Path, destination: Path, beat: Callable[[], None] = lambda: None
) -> Playback:
    """`destination` appears complete or not at all. `beat` is called for every block; what it raises ends the work.

    Raises MediaError; OSError where `destination` cannot be written.
    """
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
    try:
        with decoder.open(source, max_seconds=decoder.max_seconds, rate=PLAYBACK_RATE) as stream:
            peaks = _encode(stream, partial, beat)
        beat()
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return Playback(duration=peaks.samples / PLAYBACK_RATE, peaks=peaks.over(PEAKS))


def _encode(stream: PcmStream, path: Path, beat: Callable[[], None]) -> "Peaks":
    peaks = Peaks()
    with av.open(str(path), "w", format="mp4", options=MP4_OPTIONS) as container:
        track = container.add_stream("aac", rate=PLAYBACK_RATE, layout="mono", options=AAC_OPTIONS)
        track.bit_rate = BIT_RATE
        for frame in _frames(stream, peaks):
            beat()
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return peaks


def _frames(stream: PcmStream, peaks: "Peaks") -> Iterator[Any]:
    for block in stream:
        frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = PLAYBACK_RATE
        frame.pts = peaks.samples
        peaks.add(block)
        yield frame


class Peaks:
    """The loudest sample of evenly spaced stretches of audio whose length is not known before its end.

    Stretches start at one sample and double in length whenever there are more than twice PEAKS of them, so memory
    is the same for an hour and for a day.
    """

    def __init__(self) -> None:
        self.samples = 0
        self._stretch = 1
        self._loudest = np.zeros(0, dtype=np.uint16)
        self._rest = np.zeros(0, dtype=np.uint16)

    def add(self, block: Block) -> None:
        self.samples += len(block)
        # By way of 32 bits: -32768 has no positive twin in 16.
        waiting = np.concatenate([self._rest, np.abs(block.astype(np.int32)).astype(np.uint16)])
        whole = len(waiting) // self._stretch
        used = whole * self._stretch
        self._loudest = np.concatenate([self._loudest, waiting[:used].reshape(whole, self._stretch).max(axis=1)])
        self._rest = waiting[used:].copy()
        while len(self._loudest) > 2 * PEAKS:
            self._double()

    def _double(self) -> None:
        if len(self._loudest) % 2:
            # Half of a stretch to come: as good as so many samples of that loudness.
            self._rest = np.concatenate([np.full(self._stretch, self._loudest[-1]), self._rest])
        pairs = len(self._loudest) // 2
        self._loudest = self._loudest[: 2 * pairs].reshape(pairs, 2).max(axis=1)
        self._stretch *= 2

    def over(self, count: int) -> bytes:
        """`count` peaks, 0..255 of full scale, evenly spaced over all samples; short audio repeats them."""
        if self.samples == 0:
            return bytes(count)
        loudest = np.append(self._loudest, self._rest.max(initial=0))
        starts = np.arange(count) * self.samples // (count * self._stretch)
        # Where a start repeats, reduceat gives the one value there.
        peaks = np.maximum.reduceat(loudest, starts).astype(np.float64)
        return np.rint(peaks * 255 / FULL_SCALE).astype(np.uint8).tobytes()
