"""Who spoke when: error rates on recordings with a reference, beside average-linkage on the same and on plain points.

    python -m benchmarks.diarization FOLDER

FOLDER holds NAME.wav and NAME.rttm. Diarization error with a collar of 0.25 s, overlapping speech counted.
"""

import argparse
import os
import platform
import resource
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any
from unittest import mock

import av
import numpy as np
import numpy.typing as npt

from benchmarks.der import Errors, errors, read_rttm
from engine.backends import embedded_diarizer, voices
from engine.backends.embedded_diarizer import EmbeddedDiarizer
from engine.backends.voice_encoder import HOP, VoiceEncoder, mel
from engine.backends.voices import Points, Told
from engine.config import EngineConfig
from engine.protocols import SpeakerHints
from engine.types import SAMPLE_RATE, Turn
from engine.vad import FRAME, MIN_SILENCE, START_PROBABILITY, STOP_PROBABILITY

PACKAGES = ("torch", "Resemblyzer", "scipy", "numpy", "onnxruntime")
Pcm = npt.NDArray[np.int16]


def pcm_of(file: Path) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(file)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def ours(diarizer: EmbeddedDiarizer, pcm: Pcm, count: int | None) -> tuple[Turn, ...]:
    listening = diarizer.listen(SpeakerHints(exactly=count))
    for at in range(0, len(pcm), SAMPLE_RATE):
        listening.hear(pcm[at : at + SAMPLE_RATE])
    return listening.turns()


def average_linkage(diarizer: EmbeddedDiarizer, pcm: Pcm, count: int | None) -> tuple[Turn, ...]:
    """The same listening, with nothing but average-linkage into `count` behind it."""
    with mock.patch.object(voices, "tell", _average_linkage):
        return ours(diarizer, pcm, count)


def plain_points(diarizer: EmbeddedDiarizer, pcm: Pcm, count: int | None) -> tuple[Turn, ...]:
    """And with Resemblyzer's own windows of 1.6 s, as loud as they are, for points: of ours only the speech."""
    with mock.patch.object(embedded_diarizer, "_encode", _plain_points):
        return average_linkage(diarizer, pcm, count)


def plain(diarizer: EmbeddedDiarizer, pcm: Pcm, count: int | None) -> tuple[Turn, ...]:
    """And in the stretches of speech that words are looked for in: nothing of ours."""
    usual: dict[str, Any] = {
        "BEGINS": START_PROBABILITY,
        "ENDS": STOP_PROBABILITY,
        "PAD": 0,
        "BRIDGE": MIN_SILENCE * FRAME,
    }
    with mock.patch.multiple(embedded_diarizer, **usual):
        return plain_points(diarizer, pcm, count)


def _plain_points(
    encoder: VoiceEncoder, audio: Pcm, centres: npt.NDArray[np.int64], speech: tuple[int, int]
) -> npt.NDArray[np.float32]:
    width = embedded_diarizer.WIDTHS[0]
    bands = mel(np.pad(audio.astype(np.float32) / np.float32(32768), (0, max(0, width - len(audio)))))
    starts = np.clip(centres - width // 2, 0, max(0, len(audio) - width)) // HOP
    return encoder.points(np.stack([bands[start : start + width // HOP] for start in starts]))


def _average_linkage(points: Points, least: int, most: int) -> Told:
    from scipy.cluster.hierarchy import fcluster, linkage

    vectors = points.vectors.astype(np.float32)
    labels = fcluster(linkage(vectors, "average", "cosine"), most, "maxclust") - 1
    return Told(labels, np.stack([vectors[labels == label].mean(axis=0) for label in range(labels.max() + 1)]))


def recordings(folder: Path) -> Iterator[tuple[str, Pcm, tuple[Turn, ...]]]:
    for rttm in sorted(folder.glob("*.rttm")):
        yield rttm.stem, pcm_of(rttm.with_suffix(".wav")), read_rttm(rttm)


def speakers(turns: tuple[Turn, ...]) -> int:
    return len({turn.speaker for turn in turns})


def row(name: str, of: int, found: tuple[tuple[Turn, ...], Errors]) -> str:
    turns, rate = found
    parts = f"{rate.missed:8.3f}{rate.false_alarm:8.3f}{rate.confusion:8.3f}"
    return f"{name:34}{of:4d}{speakers(turns):7d}{rate.rate:8.3f}{parts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    diarizer = embedded_diarizer.find(EngineConfig(models_dir=folder))
    if diarizer is None:
        raise SystemExit("Resemblyzer is not installed: pip install --no-deps -r requirements-nodeps.txt")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, {packages}\n")
    print(f"{'':34}{'of':>4}{'found':>7}{'DER':>8}{'missed':>8}{'false':>8}{'conf.':>8}")
    ours(diarizer, np.zeros(SAMPLE_RATE, dtype=np.int16), None)  # loading is not measured
    rates: dict[str, list[float]] = {}
    spent = audio = 0.0
    for name, pcm, reference in recordings(folder):
        seconds, of = len(pcm) / SAMPLE_RATE, speakers(reference)
        for kind, find, count in (
            ("ours", ours, of),
            ("ours, no hint", ours, None),
            ("average-linkage", average_linkage, of),
            ("plain points, our speech", plain_points, of),
            ("plain baseline", plain, of),
        ):
            began = time.process_time()
            turns = find(diarizer, pcm, count)
            if kind == "ours":
                spent, audio = spent + time.process_time() - began, audio + seconds
            result = errors(reference, turns, seconds)
            rates.setdefault(kind, []).append(result.rate)
            print(row(f"{name}, {kind}", of, (turns, result)), flush=True)
    print()
    for kind, found in rates.items():
        print(f"mean of {kind}: {mean(found):.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{spent / audio:.3f} s of processor time for a second of audio (true count); peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
