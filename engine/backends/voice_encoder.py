"""Voices as points: a second or so of speech to 256 numbers of which the cosine says how alike two voices are.

The network is Resemblyzer's (GE2E, Wan et al. 2018; weights in its package, MIT). Its package is not imported: it
asks for a compiler and compiles for 20 s at its first call, for the file of weights that is all we need.
"""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

MELS = 40
HOP = SAMPLE_RATE // 100
FFT = SAMPLE_RATE // 40
SIZE = 256
SLANEY_BREAK = 1000.0
"""Hz. Below, the scale is linear."""


def weights() -> Path | None:
    """The file in Resemblyzer's package, if that is installed."""
    try:
        spec = importlib.util.find_spec("resemblyzer")
    except ValueError:
        return None
    folders = spec.submodule_search_locations if spec else None
    file = Path(next(iter(folders))) / "pretrained.pt" if folders else None
    return file if file and file.is_file() else None


class VoiceEncoder:
    """Loaded once, used from one thread at a time."""

    def __init__(self, file: Path) -> None:
        import torch

        state = torch.load(file, map_location="cpu", weights_only=True)["model_state"]
        self._lstm = torch.nn.LSTM(MELS, SIZE, num_layers=3, batch_first=True)
        self._lstm.load_state_dict({name[5:]: value for name, value in state.items() if name.startswith("lstm.")})
        self._linear = torch.nn.Linear(SIZE, SIZE)
        self._linear.load_state_dict({name[7:]: value for name, value in state.items() if name.startswith("linear.")})
        self._torch = torch

    def points(self, mels: Floats) -> Floats:
        """(n, frames, MELS) to (n, SIZE), each of length 1."""
        torch = self._torch
        torch.set_num_threads(1)  # several wait for each other at every step of so small a network
        with torch.inference_mode():
            _, (hidden, _) = self._lstm(torch.from_numpy(mels))
            raw = torch.relu(self._linear(hidden[-1]))
            unit: Floats = (raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-6)).numpy()
        return unit


def mel(samples: Floats) -> Floats:
    """Power of `samples`, -1..1, in 40 bands: one row for every HOP, the first centred on the first sample."""
    padded = np.pad(samples, FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)).astype(np.float32) ** 2
    bands: Floats = power @ _filters().T
    return bands


@cache
def _window() -> Floats:
    return np.hanning(FFT + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Floats:
    """Slaney's triangles, each of area 1 (Auditory Toolbox, 1998)."""
    edges = _hertz(np.linspace(0.0, _mels(SAMPLE_RATE / 2), MELS + 2))
    bins = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE)
    widths = np.diff(edges)
    slopes = edges[:, None] - bins[None, :]
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return triangles.astype(np.float32)


def _mels(hertz: float) -> float:
    """15 up to 1 kHz, then 27 for every factor of 6.4."""
    return 15.0 + 27.0 * float(np.log(hertz / SLANEY_BREAK) / np.log(6.4))


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = mels * SLANEY_BREAK / 15.0
    return np.where(mels < 15.0, linear, SLANEY_BREAK * np.exp((mels - 15.0) * np.log(6.4) / 27.0))
