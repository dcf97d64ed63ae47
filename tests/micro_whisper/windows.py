"""Training windows composed from stored mel power: no Fourier transform while training.

A window is laid out (which sentences, where, cut or not), mixed, labelled every 20 ms, and normalised as faster-whisper
normalises; behind the end of the sound the features are 0.0, which is what faster-whisper pads with.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

import numpy as np
import numpy.typing as npt

from tests.micro_whisper.corpus import Clip, Span, power_mel
from tests.micro_whisper.espeak import RATE
from tests.micro_whisper.lexicon import MARKS, WORD_CLASS, Words, plain, translated

IGNORED = -100
"""A label that the loss passes over."""

Clips = Mapping[str, Sequence[Clip]]
"""By language."""


class Kind(Enum):
    NORMAL = "normal"
    SILENT = "silent"
    BROKEN_OFF = "broken off"  # the sound stops inside a sentence, as a streaming buffer does
    OVERFULL = "overfull"  # the last sentence goes on behind the window: Whisper writes its start time only


@dataclass
class Said:
    """A sentence of the target text. Times in seconds from the start of the window."""

    start: float
    end: float
    words: list[tuple[str, Span]]


@dataclass
class Window:
    features: npt.NDArray[np.float32]
    word_labels: npt.NDArray[np.int64]
    phoneme_labels: npt.NDArray[np.int64]
    language: str
    translate: bool
    kind: Kind
    said: list[Said] = field(default_factory=list)
    unfinished: float | None = None
    """Where the sentence starts that the window cuts off."""


@dataclass
class _Layout:
    power: npt.NDArray[np.float32]
    placed: list[tuple[int, Clip]]
    end: int
    unfinished: float | None = None


def compose(clips: Clips, frames: int, chance: random.Random) -> Window:
    """`frames` of 10 ms; one language a window."""
    language = "en" if chance.random() < 0.66 else "es"
    kind = _kind(frames, chance)
    translate = chance.random() >= (0.95 if language == "en" else 0.7)
    if kind is Kind.SILENT:
        layout = _Layout(np.zeros((frames, 80), np.float32), [], chance.randint(30, frames))
    else:
        layout = _lay_out(clips[language], frames, kind, chance)
        if not layout.placed:
            return compose(clips, frames, chance)
    window = Window(
        features=layout.power,
        word_labels=np.zeros(frames // 2, np.int64),
        phoneme_labels=np.zeros(frames // 2, np.int64),
        language=language,
        translate=translate,
        kind=kind,
    )
    _write(window, layout, chance)
    _blank_behind(window, layout)
    if chance.random() < 0.72 or (kind is Kind.SILENT and chance.random() < 0.6):
        _add_noise(layout, silent=kind is Kind.SILENT, chance=chance)
    window.features = _normalised(layout, silent=kind is Kind.SILENT, chance=chance)
    return window


def _kind(frames: int, chance: random.Random) -> Kind:
    drawn = chance.random()
    if drawn < 0.07:
        return Kind.SILENT
    if drawn < 0.14 and frames >= 800:
        return Kind.OVERFULL
    return Kind.BROKEN_OFF if drawn < 0.28 else Kind.NORMAL


def _lay_out(clips: Sequence[Clip], frames: int, kind: Kind, chance: random.Random) -> _Layout:
    most = max(1, frames // 130)
    wanted = chance.randint(1, most) if chance.random() < 0.7 else most
    if kind is Kind.OVERFULL:
        wanted = frames
    at = chance.randint(0, 60) if chance.random() < 0.8 else chance.randint(60, min(300, frames // 2))
    hurry = chance.uniform(0.2, 1)
    layout = _Layout(np.zeros((frames, 80), np.float32), [], frames)
    while len(layout.placed) < wanted:
        clip = chance.choice(clips)
        length = len(clip.mel)
        if at + length > frames - 3:
            if kind is Kind.OVERFULL and frames - at > 25:
                _add(layout.power, at, clip.mel[: frames - at], chance.uniform(-1, 0))
                start = at + clip.start * 100
                layout.unfinished = start if start <= frames - 8 else None
            break
        _add(layout.power, at, clip.mel, chance.uniform(-1.2, 0))
        layout.placed.append((at, clip))
        at += length + (chance.randint(5, 60) if chance.random() < hurry else chance.randint(60, 220))
    if layout.placed and kind is not Kind.OVERFULL and chance.random() >= 0.2:
        last, clip = layout.placed[-1]
        layout.end = min(frames, last + len(clip.mel) + chance.randint(0, 80 if chance.random() < 0.8 else 250))
    return layout


def _add(power: npt.NDArray[np.float32], at: int, mel: npt.NDArray[np.float16], gain: float) -> None:
    power[at : at + len(mel)] += np.power(10.0, mel.astype(np.float32)) * np.float32(10**gain)


def _write(window: Window, layout: _Layout, chance: random.Random) -> None:
    """The target text and the labels of every 20 ms."""
    for index, (at, clip) in enumerate(layout.placed):
        offset = at / 100
        words: Words = clip.words
        if window.translate and window.language == "es":
            words = translated(words)
        timed = [(word, (start + offset, stop + offset)) for word, (start, stop) in zip(words, clip.spans, strict=True)]
        end = clip.end + offset
        if window.kind is Kind.BROKEN_OFF and index == len(layout.placed) - 1:
            layout.end = at + int(chance.uniform(0.15, 1.02) * 100 * clip.end)
            timed, end = _heard_until(timed, layout.end / 100, end)
        first = at // 2
        length = min(len(clip.phonemes), len(window.phoneme_labels) - first)
        labels = window.phoneme_labels[first : first + length]
        np.maximum(labels, clip.phonemes[:length], out=labels)
        for word, (start, stop) in zip(clip.words, clip.spans, strict=True):
            window.word_labels[int((offset + start) * 50) : int((offset + stop) * 50)] = WORD_CLASS[plain(word)]
        if timed:
            window.said.append(Said(clip.start + offset, end, timed))
    window.unfinished = None if layout.unfinished is None else layout.unfinished / 100


def _heard_until(timed: list[tuple[str, Span]], stop: float, end: float) -> tuple[list[tuple[str, Span]], float]:
    """A word counts when most of it was heard; a sentence broken off has no full stop."""
    if stop >= end - 0.02:
        return timed, end
    heard = [(word, span) for word, span in timed if span[0] + 0.85 * (span[1] - span[0]) <= stop]
    if heard:
        word, span = heard[-1]
        heard[-1] = (word.rstrip(MARKS), span)
        end = min(span[1], stop)
    return heard, end


def _blank_behind(window: Window, layout: _Layout) -> None:
    layout.end = max(layout.end, 20)
    layout.power[layout.end :] = 0
    if layout.unfinished is not None:
        start = int(layout.unfinished / 2)
        window.word_labels[start:] = IGNORED
        window.phoneme_labels[start:] = IGNORED
    behind = (layout.end + 1) // 2
    window.word_labels[behind:] = 0
    window.phoneme_labels[behind:] = 0


def _add_noise(layout: _Layout, *, silent: bool, chance: random.Random) -> None:
    """White, pink or brown, tilted, 12 to 65 dB below the speech."""
    frames = len(layout.power)
    noise = chance.choice(_noises())
    first = chance.randint(0, max(0, len(noise) - frames - 1))
    piece = np.resize(noise[first : first + frames], (frames, 80))
    peak = chance.choice((1, 100, 1000)) if silent else layout.power.max()
    level = 10 ** -chance.uniform(1.2, 6.5)
    piece = piece * np.linspace(1, 10 ** chance.uniform(-1, 0.3), 80, dtype=np.float32)
    layout.power[: layout.end] += (piece * (peak * level / piece.max()))[: layout.end]


def _normalised(layout: _Layout, *, silent: bool, chance: random.Random) -> npt.NDArray[np.float32]:
    features = np.log10(np.maximum(layout.power, 1e-10))
    features = np.maximum(features, features[: layout.end].max() - 8.0)
    features = np.asarray((features + 4) / 4, np.float32)
    features[layout.end :] = 0
    if silent and chance.random() < 0.1:
        features[: layout.end] = -1.5  # digital silence
    elif silent and chance.random() < 0.35:
        _pure_tone(features[: layout.end], chance)
    return features


def _pure_tone(features: npt.NDArray[np.float32], chance: random.Random) -> None:
    band, width = chance.randrange(3, 78), chance.randint(1, 2)
    features[:] = chance.uniform(-1.5, -0.6)
    features[:, band : band + width] = chance.uniform(0.6, 1.6)
    hiss = np.random.default_rng(chance.randrange(1 << 30)).normal(0, 0.02, features.shape)
    features += hiss.astype(np.float32)


@cache
def _noises() -> tuple[npt.NDArray[np.float32], ...]:
    source = np.random.default_rng(0)
    result = []
    for slope in (0.0, 0.5, 1.0):
        spectrum = np.fft.rfft(source.standard_normal(RATE * 40))
        sound = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1600) ** slope)
        result.append(power_mel((sound / sound.std()).astype(np.float32)))
    return tuple(result)
