"""A copy of a recording in which some stretches cannot be heard."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.audio import Decoder
from engine.playback import PLAYBACK_RATE
from engine.speech.chain import Block
from engine.speech.wav import write_wav
from engine.types import Cover, Enhanced

BEEP_HZ = 1_000
BEEP_LEVEL = 3_000
"""Of full scale 32768: heard, and below speech."""
Stretch = tuple[float, float]
"""Seconds."""


def mask(
    decoder: Decoder,
    source: Path,
    destination: Path,
    stretches: Sequence[Stretch],
    cover: Cover,
    beat: Callable[[], None] = lambda: None,
) -> Enhanced:
    """`destination` appears complete or not at all: a WAV, 16 bits, mono. `beat` is called for every block; what it
    raises ends the work. Raises MediaError."""
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
    samples = 0

    def counted(blocks: Iterable[Block]) -> Iterator[Block]:
        nonlocal samples
        for block in blocks:
            beat()
            samples += len(block)
            yield block

    try:
        with decoder.open(source, max_seconds=decoder.max_seconds, rate=PLAYBACK_RATE) as stream:
            write_wav(partial, covered(counted(stream), stretches, cover), PLAYBACK_RATE)
        beat()
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return Enhanced(duration=samples / PLAYBACK_RATE, sample_rate=PLAYBACK_RATE)


def covered(blocks: Iterable[Block], stretches: Sequence[Stretch], cover: Cover) -> Iterator[Block]:
    spans = sorted((round(start * PLAYBACK_RATE), round(end * PLAYBACK_RATE)) for start, end in stretches)
    at = 0
    for block in blocks:
        made = block.copy()
        for start, end in spans:
            first, last = max(0, start - at), min(len(made), end - at)
            if first < last:
                made[first:last] = _beep(at + first, last - first) if cover == "beep" else 0
        at += len(block)
        yield made


def _beep(at: int, length: int) -> Block:
    """In phase with itself over blocks."""
    turns = 2 * np.pi * BEEP_HZ / PLAYBACK_RATE * np.arange(at, at + length)
    beep: Block = (BEEP_LEVEL * np.sin(turns)).astype(np.int16)
    return beep
