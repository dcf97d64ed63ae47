"""What clients send as sound, made one: signed 16-bit little-endian, mono, 16 kHz."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

Encoding = Literal["pcm_s16le", "pcm_f32le", "mulaw", "alaw"]
RATE = 16_000
WIDTHS: dict[Encoding, int] = {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}


class Intake:
    """One stream's sound, piece by piece, in pieces of any length."""

    def __init__(self, encoding: Encoding = "pcm_s16le", rate: int = RATE, channels: int = 1) -> None:
        self.encoding, self.rate, self.channels = encoding, rate, channels
        self._left = b""
        self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ") if rate != RATE else None

    def take(self, data: bytes) -> bytes:
        """What of it is complete; the rest waits for the next piece."""
        data = self._left + data
        whole = len(data) - len(data) % (WIDTHS[self.encoding] * self.channels)
        self._left = data[whole:]
        if self.encoding == "pcm_s16le" and self.rate == RATE and self.channels == 1:
            return data[:whole]
        return self._convert(_decoded(data[:whole], self.encoding), last=False)

    def end(self) -> bytes:
        """What the resampler has kept back."""
        return self._convert(np.zeros(0, dtype=np.float32), last=True) if self._resampler else b""

    def _convert(self, samples: npt.NDArray[np.float32], *, last: bool) -> bytes:
        if self.channels > 1:
            samples = samples.reshape(-1, self.channels).mean(axis=1, dtype=np.float32)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        return bytes(np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2").tobytes())


def _decoded(data: bytes, encoding: Encoding) -> npt.NDArray[np.float32]:
    """-1..1."""
    match encoding:
        case "pcm_s16le":
            return np.frombuffer(data, dtype="<i2").astype(np.float32) / 32768.0
        case "pcm_f32le":
            samples: npt.NDArray[np.float32] = np.frombuffer(data, dtype="<f4")
            return np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0).astype(np.float32)
        case "mulaw":
            return MULAW.take(np.frombuffer(data, dtype=np.uint8))
        case "alaw":
            return ALAW.take(np.frombuffer(data, dtype=np.uint8))


def _mulaw() -> npt.NDArray[np.float32]:
    """ITU-T G.711, table 2a/2b."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768.0).astype(np.float32)


def _alaw() -> npt.NDArray[np.float32]:
    """ITU-T G.711, table 1a/1b."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32768.0).astype(np.float32)


MULAW, ALAW = _mulaw(), _alaw()
