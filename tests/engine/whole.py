"""The pipeline with the test model, from samples to a transcript."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.pipeline import run
from engine.scheduler import Scheduler
from engine.types import Chunk, Event, Options, Transcript
from engine.workshop import Workshop
from tests.engine.speech import MICRO, FakeStream, Pcm


class Transcribe(Protocol):
    def __call__(
        self,
        pcm: Pcm,
        options: Options | None = ...,
        *,
        on_event: Callable[[Event], None] = ...,
        resume: Sequence[Chunk] = ...,
    ) -> Transcript: ...


def micro() -> WhisperRecognizer:
    return WhisperRecognizer(MICRO, "micro", EngineConfig(models_dir=Path("unused"), device="cpu", threads=2))


@contextmanager
def transcriber(recognizer: WhisperRecognizer) -> Iterator[Transcribe]:
    scheduler, workshop = Scheduler(lanes=2), Workshop(threads=1, room=16)

    def transcribe(
        pcm: Pcm,
        options: Options | None = None,
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        door = scheduler.door(recognizer, "bulk")
        stream = FakeStream(pcm)
        return run(stream, options or Options(), door=door, workshop=workshop, on_event=on_event, resume=resume)

    try:
        yield transcribe
    finally:
        scheduler.close(timeout=10)
        workshop.close()
