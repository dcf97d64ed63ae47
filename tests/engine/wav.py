import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write_wav(path: Path, *voices: npt.NDArray[np.int16]) -> Path:
    """One channel a voice, at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(voices))
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.stack(voices, axis=1).tobytes())
    return path


def write_silence(path: Path, seconds: float = 1.0) -> Path:
    return write_wav(path, np.zeros(int(16000 * seconds), dtype=np.int16))
