"""espeak-ng in this process, with the time of every word and phoneme (libespeak-ng through ctypes)."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

RATE = 16_000

Samples = npt.NDArray[np.float32]

# espeak_ng's speak_lib.h
_SYNCHRONOUS_RETRIEVAL = 2
_PHONEME_EVENTS = 1
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_WORD, _END, _PHONEME = 1, 5, 7


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


@dataclass(frozen=True)
class Voice:
    """`name` as espeak knows it: `en-us`, `en-us+f3`, `es-419+f2`. Rate in words a minute."""

    name: str
    rate: int = 160
    pitch: int = 50
    range: int = 50


@dataclass(frozen=True)
class Speech:
    """`words`: (position in the text from 1, seconds); `phonemes`: (name, seconds), `_` names are pauses."""

    samples: Samples
    words: tuple[tuple[int, float], ...]
    phonemes: tuple[tuple[str, float], ...]


def say(text: str, voice: Voice) -> Speech:
    """Raises ValueError for a voice that espeak does not have."""
    library, blocks, words, phonemes, native_rate = _espeak()
    blocks.clear()
    words.clear()
    phonemes.clear()
    if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {voice.name!r}")
    for parameter, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.range)):
        library.espeak_SetParameter(parameter, value, 0)
    raw = text.encode()
    library.espeak_Synth(ctypes.c_char_p(raw), ctypes.c_size_t(len(raw) + 1), 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(blocks).astype(np.float32) / 32768
    resampled = resample_poly(samples, RATE // 50, native_rate // 50).astype(np.float32)
    return Speech(resampled, tuple(words), tuple(phonemes))


_CALLBACKS: list[Any] = []


@cache
def _espeak() -> tuple[Any, list[npt.NDArray[np.int16]], list[tuple[int, float]], list[tuple[str, float]], int]:
    library = ctypes.CDLL("libespeak-ng.so.1")
    blocks: list[npt.NDArray[np.int16]] = []
    words: list[tuple[int, float]] = []
    phonemes: list[tuple[str, float]] = []

    def collect(wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        _collect_events(events, words, phonemes)
        return 0

    signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    callback = signature(collect)
    rate = library.espeak_Initialize(_SYNCHRONOUS_RETRIEVAL, 0, None, _PHONEME_EVENTS)
    library.espeak_SetSynthCallback(callback)
    _CALLBACKS.append(callback)  # the library holds no reference of its own
    return library, blocks, words, phonemes, int(rate)


def _collect_events(
    events: Sequence[_Event], words: list[tuple[int, float]], phonemes: list[tuple[str, float]]
) -> None:
    index = 0
    while events[index].type != 0:
        event = events[index]
        seconds = event.audio_position / 1000
        if event.type == _WORD:
            words.append((event.text_position, seconds))
        elif event.type == _PHONEME:
            phonemes.append((bytes(event.id.string).split(b"\0")[0].decode("utf-8", "replace"), seconds))
        index += 1
