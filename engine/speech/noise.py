"""What the noise of a recording sounds like, and FFmpeg's filter that takes it away."""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.speech.chain import Block, Filter

FRAME = 1024
HOP = 512
QUIET = 0.15
"""The quietest share of all moments stands for the noise, at each frequency for itself."""
QUIET_OF_MEAN = -np.log(1 - QUIET)
"""Where that quantile of noise lies below its mean power: the power of noise in a bin is exponentially distributed."""
LOUD = 0.95
LOWEST_DB, STEPS = -120, 141
"""Powers are counted in steps of 1 dB from here up."""
REDUCTION_DB = 12
"""More takes more of the speech along: at 0 dB of white noise it won 2 dB, at 20 dB it lost."""
CLEAN_DB = 35.0
"""Where loud moments are so far above the noise, nothing is to be won."""
DELAY = 0.025
"""Seconds by which `afftdn` puts off the sound."""
NOISE_FLOORS = (-80.0, -20.0)
BAND_REACH = 24.0
"""What `afftdn` accepts, in dB."""


def _band_centres() -> tuple[int, ...]:
    """The fifteen bands of `afftdn`, in Hz, as libavfilter/af_afftdn.c computes them."""
    centres = [80]
    while len(centres) < 15:
        next_one = round(1.5 * centres[-1] + 5)
        step, half = (10, 0) if next_one < 1000 else (50, 20) if next_one < 5000 else (100, 45)
        step, half = (1000, 495) if next_one >= 15_000 else (step, half)
        centres.append((next_one + half) // step * step)
    return tuple(centres)


BANDS = _band_centres()


class NoiseProfile:
    """Heard once through, in memory that does not grow: per frequency, how often each power occurred."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._window = np.hanning(FRAME).astype(np.float32)
        self._norm = float((self._window**2).sum())
        self._counts = np.zeros((FRAME // 2 + 1, STEPS), dtype=np.int64)
        self._loudness = np.zeros(STEPS, dtype=np.int64)
        self._rest = np.zeros(0, dtype=np.int16)

    def add(self, block: Block) -> None:
        samples = np.concatenate([self._rest, block])
        if len(samples) < FRAME:
            self._rest = samples
            return
        frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
        self._rest = samples[len(frames) * HOP :].copy()
        scaled = frames.astype(np.float32) / 32768 * self._window
        powers = np.abs(np.fft.rfft(scaled)) ** 2 / self._norm
        steps = _steps(powers)
        for bin_steps, counts in zip(steps.T, self._counts, strict=True):
            counts += np.bincount(bin_steps, minlength=STEPS)
        self._loudness += np.bincount(_steps(powers.mean(axis=1)), minlength=STEPS)

    def filters(self) -> tuple[Filter, ...]:
        """Empty where the recording is clean, silent or too short to tell."""
        if not self._loudness.sum() or self._spread() >= CLEAN_DB:
            return ()
        bands = self._band_levels()
        floor = float(np.clip(np.median(bands[:11]), *NOISE_FLOORS))
        relative = np.clip(bands - floor, -BAND_REACH, BAND_REACH)
        shape = "|".join(f"{level:.1f}" for level in relative)
        return (("afftdn", f"nr={REDUCTION_DB}:nf={floor:.1f}:nt=custom:bn={shape}"),)

    def _spread(self) -> float:
        return _quantile(self._loudness, LOUD) - _quantile(self._loudness, QUIET)

    def _band_levels(self) -> npt.NDArray[np.float64]:
        """dB of full scale, of white noise that would sound as loud there."""
        quiet = np.array([_quantile(counts, QUIET) for counts in self._counts])
        powers = 10 ** (quiet / 10) / QUIET_OF_MEAN
        frequencies = np.fft.rfftfreq(FRAME, 1 / self._rate)
        levels = []
        for centre in BANDS:
            near = (frequencies >= centre / 1.25) & (frequencies <= centre * 1.25)
            if not near.any():
                near[np.argmin(np.abs(frequencies - centre))] = True
            levels.append(10 * np.log10(powers[near].mean()))
        return np.array(levels)


def _steps(powers: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    decibels = 10 * np.log10(np.maximum(powers, 1e-30)) - LOWEST_DB
    steps: npt.NDArray[np.int64] = np.clip(np.rint(decibels), 0, STEPS - 1).astype(np.int64)
    return steps


def _quantile(counts: npt.NDArray[np.int64], share: float) -> float:
    return float(np.searchsorted(np.cumsum(counts), share * counts.sum()) + LOWEST_DB)
