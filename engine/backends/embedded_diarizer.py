"""Speakers without anything to download: Silero finds speech, a packaged encoder says how voices are alike."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import known_speakers
from engine.backends import voice_encoder, voices
from engine.backends.voice_encoder import HOP, VoiceEncoder, mel
from engine.backends.voices import Points
from engine.config import EngineConfig
from engine.errors import Cancelled
from engine.known_speakers import Likeness
from engine.protocols import Samples, SpeakerHints
from engine.residents import Residents, Source
from engine.types import SAMPLE_RATE, Turn
from engine.vad import FRAME, STEP, SpeechDetector

Pcm = npt.NDArray[np.int16]

LIKENESS = Likeness(threshold=0.80, margin=0.03)
SPACING = SAMPLE_RATE // 4
"""About a point every quarter of a second; turns are no finer."""
WIDTHS = (SAMPLE_RATE * 16 // 10, SAMPLE_RATE * 8 // 10)
"""A point is what the encoder says of the 1.6 s around it, and of the 0.8 s: one knows voices, one changes."""
BEGINS, ENDS = 0.3, 0.2
"""Probabilities of speech. Lower than for words: what a far voice says may not become text, but it has a speaker."""
PAD = SAMPLE_RATE * 15 // 100
BRIDGE = SAMPLE_RATE * 6 // 10
"""A pause shorter than this is part of the speech around it."""
LONGEST = 20 * SAMPLE_RATE
"""Speech that goes on is taken in pieces of this length, so that memory does not grow with it."""
LEVEL = 10 ** (-30 / 10)
"""Mean power of the speech that the encoder was trained on."""
FAINTEST = 1e-8
"""Mean power below which loudness is not raised any more."""


def find(config: EngineConfig) -> "EmbeddedDiarizer | None":
    """None where the package with the weights, or torch, is not installed."""
    file = voice_encoder.weights()
    return None if file is None else EmbeddedDiarizer(file, config.idle_unload_seconds)


class EmbeddedDiarizer:
    """The encoder (17 MB, and torch) is loaded for the first file and let go when nobody has wanted it for a while."""

    name = "embedded"

    def __init__(self, file: Path, idle_seconds: float) -> None:
        self._source = Source(self.name, file.parent)
        self._residents = Residents(lambda source: VoiceEncoder(file), idle_seconds=idle_seconds)
        self.unload_idle = self._residents.unload_idle

    def listen(self, hints: SpeakerHints) -> "EmbeddedListening":
        """Raises ModelUnavailable where the weights cannot be loaded, OutOfMemory."""
        return EmbeddedListening(self._residents, self._source, hints)

    def close(self) -> None:
        self._residents.close()


class EmbeddedListening:
    """Holds at most a minute of audio and a kilobyte for every quarter second of speech: 15 MB an hour."""

    def __init__(self, residents: Residents[VoiceEncoder], source: Source, hints: SpeakerHints) -> None:
        self._hints = hints
        self._users = contextlib.ExitStack()
        self._encoder = self._users.enter_context(residents.use(source, lambda: None))
        self._closed = False
        self._detector, self._regions = SpeechDetector(), _Regions()
        self._tape = _Tape()
        self._at = 0
        """Samples that the detector has heard."""
        self._places: list[npt.NDArray[np.float64]] = []
        self._vectors: list[npt.NDArray[np.float16]] = []

    def hear(self, block: Pcm) -> None:
        self._check()
        self._tape.add(block)
        while self._tape.end - self._at >= STEP:
            self._step(STEP)

    def turns(self) -> tuple[Turn, ...]:
        if self._tape.end > self._at:
            self._step(self._tape.end - self._at)
        for start, end in self._regions.finish(self._tape.end):
            self._take(start, end)
        if not self._places:
            return ()
        points = Points(np.concatenate(self._places), np.concatenate(self._vectors))
        self._places, self._vectors = [], []
        self._check()
        told = voices.tell(points, *_bounds(self._hints))
        turns = _turns(points, told.labels)
        clusters = {str(label): told.voices[label] for label in range(len(told.voices))}
        references = {voice.name: self._reference(voice.samples) for voice in self._hints.voices}
        return known_speakers.called(turns, known_speakers.named(turns, clusters, references, LIKENESS))

    def close(self) -> None:
        self._closed = True
        self._users.close()

    def _check(self) -> None:
        if self._closed:
            raise Cancelled

    def _step(self, length: int) -> None:
        samples = self._tape.read(self._at, self._at + length)
        self._at += length
        for probability in self._detector.probabilities(samples):
            for start, end in self._regions.push(probability):
                self._take(start, end)
        self._tape.forget(self._regions.needed_from - 2 * WIDTHS[0])

    def _take(self, start: int, end: int) -> None:
        """Points of a stretch of speech, evenly spaced."""
        self._check()
        end = min(end, self._tape.end)
        count = max(1, round((end - start) / SPACING))
        edges = np.linspace(start, end, count + 1)
        self._places.append(np.stack([edges[:-1], edges[1:]], axis=1) / SAMPLE_RATE)
        first = max(self._tape.start, start - WIDTHS[0])
        audio = self._tape.read(first, end + WIDTHS[0])
        centres = ((edges[:-1] + edges[1:]) / 2).astype(np.int64) - first
        self._vectors.append(_encode(self._encoder, audio, centres, (start - first, end - first)).astype(np.float16))

    def _reference(self, samples: Samples) -> voices.Floats:
        audio = (samples * 32767).astype(np.int16)
        centres = np.arange(SPACING // 2, max(len(audio), SPACING), SPACING)
        return voices.unit(_encode(self._encoder, audio, centres, (0, len(audio))).mean(axis=0))


class _Regions:
    """From probabilities to stretches of speech, in samples: padded, and joined over short pauses."""

    def __init__(self) -> None:
        self._frame = 0
        self._since: int | None = None
        self._speaking = False
        self._ended = 0
        self._behind = 0
        """Samples before it belong to earlier stretches."""

    @property
    def needed_from(self) -> int:
        now = self._frame * FRAME
        return min(now - PAD, now if self._since is None else self._since)

    def push(self, probability: float) -> Iterator[tuple[int, int]]:
        now = self._frame * FRAME
        self._frame += 1
        self._speaking = probability >= (ENDS if self._speaking else BEGINS)
        if self._speaking:
            if self._since is None:
                self._since = max(self._behind, now - PAD)
            self._ended = now + FRAME
            if self._ended - self._since >= LONGEST:
                yield self._close(self._ended)
                self._since = self._ended
        elif self._since is not None and now + FRAME - self._ended >= BRIDGE + 2 * PAD:
            yield self._close(self._ended + PAD)

    def finish(self, end: int) -> Iterator[tuple[int, int]]:
        if self._since is not None and self._since < end:
            yield self._close(min(end, self._ended + PAD))

    def _close(self, end: int) -> tuple[int, int]:
        assert self._since is not None
        start, self._since, self._behind = self._since, None, end
        return start, end


class _Tape:
    """The part of the audio that is still needed."""

    def __init__(self) -> None:
        self.start = 0
        self._kept = np.zeros(0, dtype=np.int16)

    @property
    def end(self) -> int:
        return self.start + len(self._kept)

    def add(self, block: Pcm) -> None:
        self._kept = np.concatenate([self._kept, block])

    def read(self, start: int, end: int) -> Pcm:
        return self._kept[max(0, start - self.start) : end - self.start]

    def forget(self, before: int) -> None:
        if before > self.start:
            self._kept = self._kept[before - self.start :].copy()
            self.start = before


def _encode(
    encoder: VoiceEncoder, audio: Pcm, centres: npt.NDArray[np.int64], speech: tuple[int, int]
) -> voices.Floats:
    """(points, SIZE for each width): the voice around each centre, from inside `speech` if that is long enough."""
    padded = np.pad(audio.astype(np.float32) / np.float32(32768), (0, max(0, WIDTHS[0] - len(audio))))
    bands = mel(padded)
    power = np.concatenate([[0.0], np.cumsum(padded.astype(np.float64) ** 2)])
    of_each = []
    for width in WIDTHS:
        low, high = speech if speech[1] - speech[0] >= width else (0, len(padded))
        starts = np.clip(centres - width // 2, low, max(low, high - width)) // HOP
        loudness = np.maximum((power[starts * HOP + width] - power[starts * HOP]) / width, FAINTEST)
        windows = np.stack([bands[start : start + width // HOP] for start in starts])
        of_each.append(encoder.points(windows * (LEVEL / loudness).astype(np.float32)[:, None, None]))
    return voices.unit(np.concatenate(of_each, axis=1))


def _bounds(hints: SpeakerHints) -> tuple[int, int]:
    """The least and the most voices to look for."""
    if hints.exactly:
        return hints.exactly, hints.exactly
    least = hints.least or 1
    return least, max(least, hints.most or voices.MOST)


def _turns(points: Points, labels: voices.Labels) -> tuple[Turn, ...]:
    """Points that touch and have one voice are one turn."""
    changes = np.flatnonzero((np.diff(labels) != 0) | (points.places[1:, 0] - points.places[:-1, 1] > 1e-3)) + 1
    firsts, lasts = np.append(0, changes), np.append(changes, len(labels)) - 1
    return tuple(
        Turn(round(float(points.places[first, 0]), 3), round(float(points.places[last, 1]), 3), str(labels[first]))
        for first, last in zip(firsts, lasts, strict=True)
    )
