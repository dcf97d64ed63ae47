"""How loud speech is over what else is heard, measured on the detector's frames while windows are cut."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from engine.types import Chunk, Levels, Notice, Span

MARGIN = 0.25
"""Seconds around speech that count for neither side: breath and reverberation."""
QUIETEST = 0.05
"""Without a pause, this share of the frames, the quietest, stands for the noise."""
LOUDEST = 0.1
"""This share of the noise's frames, the loudest, is left out: clicks, and speech that the detector missed."""
LOWEST_NOISE = 2.0**-30 / 12
"""Power of rounding to 16 bits. No recording has less."""
MOST = 60.0
"""dB; more says nothing about a recording."""
USUAL_SPEECH = 10**-2.6
"""Speech at -26 dB of full scale, the level that ITU-T P.56 equipment is set up for."""


def frame_powers(samples: npt.NDArray[np.int16], frame: int) -> list[float]:
    """Mean power of each whole frame."""
    whole = len(samples) // frame * frame
    frames = (samples[:whole].astype(np.float32) / 32768.0).reshape(-1, frame)
    return [float(power) for power in np.mean(frames.astype(np.float64) ** 2, axis=1)]


def levels(powers: Sequence[float], speech: Sequence[Span], *, start: float, seconds: float) -> Levels:
    """`powers` are those of frames of `seconds` each, from `start` on; `speech` lies in order."""
    power = np.asarray(powers, dtype=np.float64)
    if not len(power):
        return Levels()
    begin = start + np.arange(len(power)) * seconds
    end = begin + seconds
    spoken, near = np.zeros(len(power), dtype=bool), np.zeros(len(power), dtype=bool)
    for span in speech:
        spoken |= (begin >= span.start - seconds / 2) & (end <= span.end + seconds / 2)
        near |= (end > span.start - MARGIN) & (begin < span.end + MARGIN)
    noise = np.sort(power[~near])
    if len(noise):
        noise = noise[: max(1, round(len(noise) * (1 - LOUDEST)))]
    elif spoken.any():
        noise = np.sort(power[spoken])[: max(1, round(spoken.sum() * QUIETEST))]
    return Levels(
        speech=float(power[spoken].mean()) if spoken.any() else 0.0,
        speech_seconds=round(float(spoken.sum()) * seconds, 3),
        noise=float(noise.mean()) if len(noise) else 0.0,
        noise_seconds=round(len(noise) * seconds, 3),
    )


def together(parts: Iterable[Levels]) -> Levels:
    listed = list(parts)
    speech, noise = sum(part.speech_seconds for part in listed), sum(part.noise_seconds for part in listed)
    return Levels(
        speech=sum(part.speech * part.speech_seconds for part in listed) / speech if speech else 0.0,
        speech_seconds=round(speech, 3),
        noise=sum(part.noise * part.noise_seconds for part in listed) / noise if noise else 0.0,
        noise_seconds=round(noise, 3),
    )


def snr_db(measured: Levels) -> float | None:
    """None where nobody speaks."""
    if not measured.speech_seconds or not measured.noise_seconds:
        return None
    noise = max(measured.noise, LOWEST_NOISE)
    voice = max(measured.speech - noise, noise * 10 ** (-MOST / 10))
    return round(min(10 * math.log10(voice / noise), MOST), 1)


def too_noisy(measured: Levels, least: float | None) -> bool:
    """Is there less speech over noise than `least` dB?

    Where no speech was found, noise so loud that speech of the usual level would be below `least` counts as too noisy:
    nothing can be said about what it hides.
    """
    if least is None:
        return False
    ratio = snr_db(measured)
    if ratio is not None:
        return ratio < least
    return measured.noise > 0 and 10 * math.log10(USUAL_SPEECH / measured.noise) < least


DROPPED = "low_snr"
"""The reason of a suspect span that was not transcribed."""


def dropped_notice(chunks: Sequence[Chunk], least: float) -> Notice | None:
    dropped = [chunk for chunk in chunks if any(span.reason == DROPPED for span in chunk.suspect)]
    if not dropped:
        return None
    seconds = sum(chunk.end - chunk.start for chunk in dropped)
    return Notice(
        "low_snr_dropped",
        f"In {seconds:.0f} s of this audio the noise is too loud (less than {least:g} dB of speech over it), "
        "so they were not transcribed.",
    )
