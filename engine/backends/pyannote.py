"""Speakers through pyannote.audio, where the operator has put its weights, which are gated (docs/models.md).

Light to import: torch and pyannote.audio are loaded with the weights."""

import contextlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine import hardware, hub, known_speakers
from engine.catalog import PYANNOTE
from engine.config import EngineConfig
from engine.errors import Cancelled
from engine.known_speakers import Likeness
from engine.protocols import SpeakerHints
from engine.residents import Residents, Source
from engine.types import SAMPLE_RATE, Turn

if TYPE_CHECKING:
    from engine.backends.pyannote_pipeline import Heard, Voices

LIKENESS = Likeness(threshold=0.5, margin=0.1)
CPU_STEP = 0.5
"""Of a window. A GPU takes the pipeline's own step, a tenth; on a CPU that costs five times as much."""

Pcm = npt.NDArray[np.int16]


def find(config: EngineConfig) -> "PyannoteDiarizer | None":
    directory = config.models_dir / PYANNOTE
    return PyannoteDiarizer(config) if hub.complete(directory, hub.LAYOUTS["diarizer"]) else None


class PyannoteDiarizer:
    """The weights are loaded for the first file and let go when nobody has wanted them for a while."""

    name = PYANNOTE

    def __init__(self, config: EngineConfig) -> None:
        self._source = Source(PYANNOTE, config.models_dir / PYANNOTE)
        self._residents: Residents[Voices] = Residents(
            partial(_load, config=config), idle_seconds=config.idle_unload_seconds
        )
        self.unload_idle = self._residents.unload_idle

    def listen(self, hints: SpeakerHints) -> "PyannoteListening":
        """Raises ModelUnavailable where the weights cannot be loaded, OutOfMemory."""
        return PyannoteListening(self._residents, self._source, hints)

    def close(self) -> None:
        self._residents.close()


def _load(source: Source, *, config: EngineConfig) -> "Voices":
    from engine.backends.pyannote_pipeline import Voices

    assert source.directory is not None
    device = hardware.detect(config.device).device
    threads = config.threads or max(1, len(os.sched_getaffinity(0)) // 2)  # the other half recognises words meanwhile
    return Voices(source.directory, device=device, threads=threads, step=CPU_STEP if device == "cpu" else None)


class PyannoteListening:
    """Holds the last windows of audio, and of all before them marks and embeddings: about 70 MB for ten hours on a
    CPU, five times that on a GPU."""

    def __init__(self, residents: "Residents[Voices]", source: Source, hints: SpeakerHints) -> None:
        self._hints = hints
        self._closed = threading.Event()
        self._in_use = threading.Lock()
        self._users = contextlib.ExitStack()
        self._voices = self._users.enter_context(residents.use(source, lambda: None))
        self._tape = np.zeros(0, dtype=np.int16)
        self._blocks: list[Pcm] = []
        self._held = 0
        self._passed = 0
        """Samples heard in all."""
        self._heard: list[Heard] = []
        self._exclusive: tuple[Turn, ...] = ()

    def hear(self, block: Pcm) -> None:
        with self._working():
            self._blocks.append(block)
            self._held += len(block)
            self._passed += len(block)
            voices = self._voices
            if self._held >= voices.window + (voices.batch - 1) * voices.step:
                self._join()
                count = (self._held - voices.window) // voices.step + 1
                self._listen([self._tape[at * voices.step :][: voices.window] for at in range(count)])
                self._forget(count * voices.step)

    def turns(self) -> tuple[Turn, ...]:
        with self._working():
            self._finish()
            if not any(heard.marks.any() for heard in self._heard):
                return ()
            heard = _joined(self._heard)
            self._heard = []
            told = self._voices.tell(heard, self._passed / SAMPLE_RATE, self._hints, self._check)
            references = {voice.name: self._voices.embed(voice.samples) for voice in self._hints.voices}
            names = known_speakers.named((*told.turns, *told.exclusive), told.clusters, references, LIKENESS)
            self._exclusive = known_speakers.called(told.exclusive, names)
            return known_speakers.called(told.turns, names)

    def exclusive_turns(self) -> tuple[Turn, ...]:
        return self._exclusive

    def close(self) -> None:
        self._closed.set()
        with self._in_use:
            self._users.close()
            self._heard, self._blocks, self._tape = [], [], np.zeros(0, dtype=np.int16)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        with self._in_use:
            self._check()
            yield

    def _check(self) -> None:
        if self._closed.is_set():
            raise Cancelled

    def _finish(self) -> None:
        """The windows that are left, and the one that reaches beyond the end, filled up with silence."""
        self._join()
        voices = self._voices
        windows = []
        while len(self._tape) >= voices.window:
            windows.append(self._tape[: voices.window])
            self._forget(voices.step)
        first = not self._heard and not windows
        if len(self._tape) > voices.window - voices.step or (first and len(self._tape)):
            windows.append(np.pad(self._tape, (0, voices.window - len(self._tape))))
        self._listen(windows)

    def _listen(self, windows: list[Pcm]) -> None:
        for at in range(0, len(windows), self._voices.batch):
            self._check()
            audio = np.stack(windows[at : at + self._voices.batch]).astype(np.float32) / np.float32(32768)
            self._heard.append(self._voices.hear(audio))

    def _join(self) -> None:
        self._tape = np.concatenate([self._tape, *self._blocks])
        self._blocks, self._held = [], len(self._tape)

    def _forget(self, count: int) -> None:
        self._tape = self._tape[count:].copy()
        self._held = len(self._tape)


def _joined(heard: "list[Heard]") -> "Heard":
    from engine.backends.pyannote_pipeline import Heard

    return Heard(np.concatenate([one.marks for one in heard]), np.concatenate([one.embeddings for one in heard]))
