"""A recording with less noise, as loud as a podcast, and to the sample as long as it was."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from engine.audio import Decoder
from engine.decode_protocol import MAX_RATE
from engine.speech.chain import Block, Chain, Filter, exactly
from engine.speech.noise import DELAY, NoiseProfile
from engine.speech.wav import write_wav
from engine.types import Enhanced

TARGET_LUFS = -16.0
"""Integrated loudness by EBU R 128; what podcasts and speech on the web are made at."""
PEAK_LIMIT = 0.89
"""-1 dB of full scale."""
SILENT_LUFS = -60.0
"""Quieter than this is no programme: to raise it would raise noise alone."""
MOST_GAIN_DB = 30.0
USUAL_RATE = 48_000
"""Hz, where a container does not say."""
BLOCK = 1 << 16
MEASURE: Filter = ("ebur128", "metadata=1")


def enhance(decoder: Decoder, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
    """`destination` appears complete or not at all: a WAV, 16 bits, mono, at the recording's own rate up to 96 kHz.

    Goes over the sound three times, by way of two files on the disk: to hear the noise, to take it away and hear how
    loud the rest is, to set its level. `beat` is called all along; what it raises ends the work. Raises MediaError.
    """
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
    try:
        with TemporaryFile(dir=destination.parent) as heard, TemporaryFile(dir=destination.parent) as cleaned:
            rate, filters = _hear(decoder, source, heard, beat)
            samples = heard.tell() // 2
            gain = _clean(heard, cleaned, rate, filters, beat)
            write_wav(partial, _level(_read(cleaned, beat), rate, samples, gain), rate)
        beat()
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return Enhanced(duration=samples / rate, sample_rate=rate)


def _hear(decoder: Decoder, source: Path, heard: IO[bytes], beat: Callable[[], None]) -> tuple[int, tuple[Filter, ...]]:
    rate = min(decoder.probe(source).sample_rate or USUAL_RATE, MAX_RATE)
    profile = NoiseProfile(rate)
    with decoder.open(source, max_seconds=decoder.max_seconds, rate=rate) as stream:
        for block in stream:
            beat()
            profile.add(block)
            heard.write(block.tobytes())
    return rate, profile.filters()


def _clean(
    heard: IO[bytes], cleaned: IO[bytes], rate: int, filters: tuple[Filter, ...], beat: Callable[[], None]
) -> float:
    """The gain in dB that takes the cleaned sound to the target."""
    samples = heard.tell() // 2
    blocks: Iterator[Block] = _read(heard, beat)
    if filters:
        blocks = exactly(Chain(rate, *filters).run(blocks), samples, skip=round(DELAY * rate))
    meter = Chain(rate, MEASURE)
    for block in meter.run(_kept(blocks, cleaned)):
        del block  # what comes out is what went in
    loudness = float(meter.metadata.get("lavfi.r128.I", "-inf"))
    if not loudness > SILENT_LUFS:
        return 0.0
    return float(np.clip(TARGET_LUFS - loudness, -MOST_GAIN_DB, MOST_GAIN_DB))


def _level(blocks: Iterator[Block], rate: int, samples: int, gain: float) -> Iterator[Block]:
    """One gain for all of it, so that nothing pumps; only peaks that would clip are held down."""
    if not gain:
        return blocks
    chain = Chain(
        rate,
        ("aformat", "sample_fmts=flt"),
        ("volume", f"{gain:.2f}dB"),
        ("alimiter", f"limit={PEAK_LIMIT}:level=0:latency=1"),
    )
    return exactly(chain.run(blocks), samples)


def _kept(blocks: Iterator[Block], file: IO[bytes]) -> Iterator[Block]:
    for block in blocks:
        file.write(block.tobytes())
        yield block


def _read(file: IO[bytes], beat: Callable[[], None]) -> Iterator[Block]:
    file.seek(0)
    while data := file.read(2 * BLOCK):
        beat()
        yield np.frombuffer(data, dtype=np.int16)
