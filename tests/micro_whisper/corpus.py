"""Spoken sentences as training wants them: mel power, the time of each word, the phoneme of every 20 ms."""

import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from faster_whisper.feature_extractor import FeatureExtractor

from tests.micro_whisper.espeak import RATE, Samples, Speech, Voice, say
from tests.micro_whisper.lexicon import Words, sentence

Mel = npt.NDArray[np.float16]
Span = tuple[float, float]


def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


VARIANTS = _split("m1 m2 m3 m4 m6 m7 m8 f1 f2 f3 f5 Andrea Alicia Mike Lee klatt2 Diogo Belinda")
ENGLISH_BASES = _split("en-us en en-gb-scotland en-029 en-us-nyc en-gb-x-gbcwmd")
SPANISH_BASES = _split("es es-419")

VOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "focus": {"en": ("en-us", "en-us+f3", "en+m3", "en"), "es": ("es", "es-419+f2")},
    "all": {
        "en": (*(f"{base}+{variant}" for base in ENGLISH_BASES for variant in VARIANTS), *ENGLISH_BASES),
        "es": (*(f"{base}+{variant}" for base in SPANISH_BASES for variant in VARIANTS), *SPANISH_BASES),
    },
    "unseen": {
        "en": ("en-gb-x-rp+f4", "en-gb-x-rp+m5", "en-us+f4", "en-us+Annie", "en+linda", "en-gb-x-rp+steph"),
        "es": ("es+f4", "es-419+m5"),
    },
}

_EXTRACTOR = FeatureExtractor(feature_size=80)
_HANN = np.hanning(401)[:-1].astype(np.float32)


@dataclass
class Clip:
    """Times in seconds from the start of `mel` (log10 of the power, frames of 10 ms by 80)."""

    language: str
    words: Words
    spans: list[Span]
    start: float
    end: float
    mel: Mel
    phonemes: npt.NDArray[np.uint8]
    voice: str
    samples: Samples | None = None


@dataclass
class Corpus:
    clips: list[Clip]
    phoneme_ids: dict[str, int]


def make(language_counts: dict[str, int], voices: str, seed: int, *, keep_audio: bool = False) -> Corpus:
    chance = random.Random(seed)
    corpus = Corpus([], {})
    for language, count in language_counts.items():
        made = 0
        while made < count:
            clip = _clip(language, VOICES[voices][language], corpus.phoneme_ids, chance)
            if clip is None:
                continue
            if not keep_audio:
                clip.samples = None
            corpus.clips.append(clip)
            made += 1
    return corpus


def power_mel(samples: Samples) -> npt.NDArray[np.float32]:
    """Frames by 80, the power itself: faster-whisper's features before the logarithm."""
    spectrum = _EXTRACTOR.stft(samples, 400, 160, window=_HANN, return_complex=True, mode="constant")
    power = _EXTRACTOR.mel_filters @ (np.abs(spectrum[..., :-1].astype(np.complex64)) ** 2)
    return np.asarray(power.T, dtype=np.float32)


def _clip(language: str, voices: Sequence[str], phoneme_ids: dict[str, int], chance: random.Random) -> Clip | None:
    words = sentence(language, chance)
    voice = Voice(chance.choice(voices), chance.randint(120, 200), chance.randint(25, 75), chance.randint(30, 70))
    speech = say(" ".join(words), voice)
    bounds = voiced(speech.samples)
    spans = word_spans(words, speech, bounds)
    if spans is None:
        return None
    begin, end = bounds
    shift = chance.randint(0, 159) / RATE  # the frames must not always fall on the same place in the sound
    first = max(0.0, begin - 0.05)
    samples = speech.samples[int(first * RATE) : int((end + 0.06) * RATE)]
    samples = np.pad(samples, (int(shift * RATE), 0))
    offset = shift - first
    mel = np.log10(np.maximum(power_mel(np.pad(samples, (0, 160))), 1e-10)).astype(np.float16)
    return Clip(
        language=language,
        words=words,
        spans=[(start + offset, stop + offset) for start, stop in spans],
        start=begin + offset,
        end=end + offset,
        mel=mel,
        phonemes=_phonemes(speech, offset, end, (len(mel) + 1) // 2, phoneme_ids),
        voice=voice.name,
        samples=samples,
    )


def voiced(samples: Samples) -> Span:
    """Where the sound rises above a hundredth of its peak."""
    loud = np.nonzero(np.abs(samples) > np.abs(samples).max() * 0.01)[0]
    return float(loud[0]) / RATE, float(loud[-1]) / RATE


def word_spans(words: Words, speech: Speech, bounds: Span) -> list[Span] | None:
    """None where espeak ran two words into one. A comma's pause belongs to no word."""
    begins = dict(speech.words)
    position, starts = 1, []
    for word in words:
        if position not in begins:
            return None
        starts.append(begins[position])
        position += len(word) + 1
    pauses = [seconds for name, seconds in speech.phonemes if name.startswith("_")]
    spans = []
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < len(starts) else bounds[1]
        stop = next((pause for pause in pauses if start < pause < stop), stop)
        spans.append((max(start, bounds[0]) if index == 0 else start, min(stop, bounds[1])))
    return None if any(stop - start < 0.03 for start, stop in spans) else spans


def _phonemes(speech: Speech, offset: float, end: float, length: int, ids: dict[str, int]) -> npt.NDArray[np.uint8]:
    labels = np.zeros(length, np.uint8)
    following = (*speech.phonemes[1:], ("_", end + 1))
    for (name, start), (_, stop) in zip(speech.phonemes, following, strict=True):
        if not name.startswith("_"):
            first, last = round((start + offset) * 50), round((stop + offset) * 50)
            labels[max(0, first) : max(0, last)] = ids.setdefault(name, len(ids) + 1)
    return labels


def load(path: Path) -> Corpus:
    """Only of files made here: a pickle runs code when it is read."""
    corpus: Corpus = pickle.loads(path.read_bytes())
    return corpus
