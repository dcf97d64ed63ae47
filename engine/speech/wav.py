"""WAV files of 16 bits, mono, in pieces."""

import wave
from collections.abc import Iterable
from pathlib import Path

from engine.speech.chain import Block


def write_wav(path: Path, blocks: Iterable[Block], rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for block in blocks:
            file.writeframesraw(block.astype("<i2").tobytes())
