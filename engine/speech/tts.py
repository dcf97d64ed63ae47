"""Text spoken in the voice of a short recording, by F5-TTS (https://github.com/SWivid/F5-TTS), where the operator has
installed its package and put its weights:

    <models>/f5-tts/model.safetensors  vocab.txt  vocoder/config.yaml  vocoder/pytorch_model.bin
    <models>/f5-tts/model.yaml         only for weights of another shape than F5TTS_v1_Base
"""

import importlib.util
import os
import secrets
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine import hardware
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import BadReference, MediaError, VoiceUnavailable
from engine.speech.chain import Block
from engine.speech.mark import mark_synthetic
from engine.speech.wav import write_wav
from engine.types import Event, Options, Spoken, Transcript
from engine.waiting import in_thread, wait_beating

DIRECTORY = "f5-tts"
SHORTEST, LONGEST = 3.0, 10.0
"""Seconds of reference."""
ALLOWANCE = 0.5
"""Seconds over LONGEST that decoding may find before it stops, to tell too long from just right."""
REFERENCE_RATE = 24_000
REQUIRED = ("model.safetensors", "vocab.txt", "vocoder/config.yaml", "vocoder/pytorch_model.bin")
STANDARD_SHAPE = "F5TTS_v1_Base"
HOW = "Install requirements-tts.txt and put the weights as docs/voices.md says. Nothing was charged."


class Hears(Protocol):
    """What is wanted of the engine: the words of the reference, which the model has to be told."""

    def transcribe(self, source: Path, options: Options, *, on_event: Callable[[Event], None]) -> Transcript: ...


class Speaker:
    """One model, loaded for the first text; one text at a time."""

    def __init__(self, config: EngineConfig, decoder: Decoder) -> None:
        self._config, self._decoder = config, decoder
        self._directory = config.models_dir / DIRECTORY
        self._turn = threading.Lock()

    def speak(
        self, engine: Hears, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None
    ) -> Spoken:
        """Raises MediaError, BadReference, VoiceUnavailable, and what `beat` raises: a text that is being spoken by
        then is spoken to its end and thrown away."""
        self._check()
        voice = self._voice(reference)
        partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
        try:
            with TemporaryDirectory(dir=destination.parent) as scratch:
                clip = Path(scratch) / "reference.wav"
                write_wav(clip, [voice], REFERENCE_RATE)
                words = engine.transcribe(clip, Options(), on_event=lambda event: beat()).text
                if not words:
                    raise BadReference("No words could be made out in the reference. Send one in which somebody talks.")
                work = in_thread(lambda: self._speak(clip, words, text), "speak")
                samples, rate = wait_beating(work, beat)
            write_wav(partial, [np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)], rate)
            mark_synthetic(partial)
            beat()
            partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)
        return Spoken(duration=len(samples) / rate, sample_rate=rate)

    def _check(self) -> None:
        if not self._config.voices:
            raise VoiceUnavailable("Speaking in a cloned voice is switched off on this server. Nothing was charged.")
        if importlib.util.find_spec("f5_tts") is None:
            raise VoiceUnavailable(f"This server has no F5-TTS. {HOW}")
        if missing := [name for name in REQUIRED if not (self._directory / name).is_file()]:
            raise VoiceUnavailable(f"The weights of F5-TTS are not complete: {', '.join(missing)} not found. {HOW}")

    def _voice(self, reference: Path) -> Block:
        bounds = f"Send {SHORTEST:.0f} to {LONGEST:.0f} seconds of one voice. Nothing was charged."
        try:
            with self._decoder.open(reference, max_seconds=LONGEST + ALLOWANCE, rate=REFERENCE_RATE) as stream:
                samples = np.concatenate(list(stream))
        except MediaError as error:
            if error.code == "media_too_long":
                raise BadReference(f"The reference is longer than {LONGEST:.0f} seconds. {bounds}") from error
            if error.code == "audio_too_short":
                raise BadReference(f"The reference is shorter than {SHORTEST:.0f} seconds. {bounds}") from error
            raise
        seconds = len(samples) / REFERENCE_RATE
        if not SHORTEST <= seconds <= LONGEST:
            raise BadReference(f"The reference lasts {seconds:.1f} seconds. {bounds}")
        return samples

    def _speak(self, clip: Path, words: str, text: str) -> tuple[npt.NDArray[np.float32], int]:
        with self._turn:
            samples, rate, _ = self._model.infer(
                ref_file=str(clip),
                ref_text=words,
                gen_text=text,
                show_info=_silent,
                progress=None,
                nfe_step=self._config.voice_steps,
            )
        return np.asarray(samples, dtype=np.float32), int(rate)

    @cached_property
    def _model(self) -> Any:
        from f5_tts.api import F5TTS

        return F5TTS(
            model=self._shape(),
            ckpt_file=str(self._directory / "model.safetensors"),
            vocab_file=str(self._directory / "vocab.txt"),
            vocoder_local_path=str(self._directory / "vocoder"),
            device=hardware.detect(self._config.device).device,
        )

    def _shape(self) -> str:
        """The package looks a shape up among its own files, by a name that may be a path."""
        own = self._directory / "model.yaml"
        if not own.is_file():
            return STANDARD_SHAPE
        spec = importlib.util.find_spec("f5_tts")
        assert spec is not None
        assert spec.submodule_search_locations
        configs = Path(next(iter(spec.submodule_search_locations))) / "configs"
        return os.path.relpath(own.with_suffix(""), configs)


def _silent(*_: object, **__: object) -> None: ...
