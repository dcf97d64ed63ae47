"""What is done with text: models from the store, their calls through the scheduler, after live sound."""

import importlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from engine import memory
from engine.config import EngineConfig
from engine.errors import EngineError, ModelUnavailable, OutOfMemory
from engine.faults import out_of_memory
from engine.protocols import Vectors
from engine.residents import Source
from engine.scheduler import Scheduler
from engine.store import ModelStore
from engine.text import minilm
from engine.text.embed import Embedder, Lane
from engine.text.types import Answer, Extraction, Line, Message, Style, TextModels
from engine.types import Priority
from engine.waiting import in_thread, wait_beating

Beat = Callable[[], None]


class TextDesk:
    """Thread-safe."""

    def __init__(self, config: EngineConfig, store: ModelStore, scheduler: Scheduler) -> None:
        self._config, self._store, self._scheduler = config, store, scheduler

    def models(self) -> TextModels:
        here = minilm.complete(self._config.models_dir / minilm.ID) or minilm.packaged() is not None
        return TextModels(embedder=minilm.ID if here else None)

    def embed(self, texts: Sequence[str], priority: Priority, beat: Beat) -> Vectors:
        with self._embedder(beat) as embedder, self._lane(priority) as lane:
            return embedder.embed(texts, lane, beat)

    def extract(
        self, what: Extraction, lines: Sequence[Line], style: Style, language: str | None, beat: Beat
    ) -> Answer:
        try:
            extract = importlib.import_module("engine.text.extract").extract
        except ModuleNotFoundError as error:
            raise ModelUnavailable(
                "model_unavailable", "This server cannot extract anything from texts: a part of it is not installed."
            ) from error
        with self._embedder(beat) as embedder, self._lane("interactive") as lane:
            answer = extract(
                what, lines, lambda texts: embedder.embed(texts, lane, beat), style=style, language=language
            )
        return cast("Answer", answer)

    def write(
        self, messages: Sequence[Message], most_tokens: int, temperature: float, stop: Sequence[str], beat: Beat
    ) -> Generator[str, None, None]:
        raise ModelUnavailable("model_unavailable", "This server has no model that writes text.")

    def translate(self, texts: Sequence[str], source: str | None, target: str, beat: Beat) -> list[str]:
        raise ModelUnavailable("model_unavailable", "This server has no model that translates text.")

    @contextmanager
    def _embedder(self, beat: Beat) -> Iterator[Embedder]:
        directory = wait_beating(in_thread(lambda: minilm.ready(self._config.models_dir), "unpack"), beat)
        source = _weighed(minilm.ID, directory)
        with self._store.hold(source, lambda _: Embedder(directory, self._config), beat) as embedder:
            yield embedder

    @contextmanager
    def _lane(self, priority: Priority) -> Iterator[Lane]:
        """While it lasts; what waits when it ends is not done any more."""
        door = self._scheduler.door(None, priority)
        try:
            yield lambda work: door.call(lambda: _told_if_too_big(work))
        finally:
            door.leave()


def _weighed(model: str, directory: Path) -> Source:
    return Source(model, directory, memory.of_model(directory, "int8"))


def _told_if_too_big(work: Callable[[], Vectors]) -> Vectors:
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, EngineError) or not out_of_memory(error):
            raise
        raise OutOfMemory("out_of_memory", "There was not enough memory to read even a few paragraphs.") from error
