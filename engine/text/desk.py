"""What is done with text: models from the store, their calls through the scheduler, after live sound."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engine import catalog, memory
from engine.config import EngineConfig
from engine.errors import EngineError, ModelUnavailable, OutOfMemory
from engine.faults import out_of_memory
from engine.protocols import Vectors
from engine.residents import Source
from engine.scheduler import Door, Scheduler
from engine.store import ModelStore
from engine.text import minilm
from engine.text.lane import Lane
from engine.text.targets import targets
from engine.text.types import Answer, Extraction, Line, Message, Style, TextModels
from engine.types import Priority
from engine.waiting import in_thread, wait_beating

if TYPE_CHECKING:
    from engine.text.embed import Embedder
    from engine.text.translator import Translator
    from engine.text.writer import Writer

T = TypeVar("T")
Beat = Callable[[], None]


class TextDesk:
    """Thread-safe."""

    def __init__(self, config: EngineConfig, store: ModelStore, scheduler: Scheduler) -> None:
        self._config, self._store, self._scheduler = config, store, scheduler

    def models(self) -> TextModels:
        embeds = minilm.complete(self._config.models_dir / minilm.ID) or minilm.packaged() is not None
        translator = self._here(catalog.TRANSLATOR)
        return TextModels(
            embedder=minilm.ID if embeds else None,
            writer=catalog.WRITER if self._here(catalog.WRITER) else None,
            translator=catalog.TRANSLATOR if translator else None,
            targets=targets(_directory(translator)) if translator else (),
        )

    def embed(self, texts: Sequence[str], priority: Priority, beat: Beat) -> Vectors:
        with self._embedder(beat) as embedder, self._lane(priority) as lane:
            return embedder.embed(texts, lane, beat)

    def extract(
        self, what: Extraction, lines: Sequence[Line], style: Style, language: str | None, beat: Beat
    ) -> Answer:
        from engine.text.extract import extract

        return extract(
            what, lines, lambda texts: self.embed(texts, "interactive", beat), style=style, language=language
        )

    def write(
        self, messages: Sequence[Message], most_tokens: int, temperature: float, stop: Sequence[str], beat: Beat
    ) -> Generator[str, None, bool]:
        source = self._fetched(catalog.WRITER, "writes text", "or name a language model's server in STT_LLM_URL")
        with (
            self._store.hold(source, self._load_writer, beat) as writer,
            self._lane("interactive") as lane,
        ):
            return (
                yield from writer.write(
                    messages, most_tokens=most_tokens, temperature=temperature, stop=stop, lane=lane, beat=beat
                )
            )

    def translate(self, texts: Sequence[str], source: str | None, target: str, beat: Beat) -> list[str]:
        if source is not None and source.lower() == target.lower():
            return list(texts)
        model = self._fetched(catalog.TRANSLATOR, "translates text")
        with (
            self._store.hold(model, self._load_translator, beat) as translator,
            self._lane("interactive") as lane,
        ):
            return translator.translate(texts, source, target, lane, beat)

    def _fetched(self, model: str, what: str, otherwise: str = "") -> Source:
        here = self._here(model)
        if here is None:
            raise ModelUnavailable(
                "model_unavailable",
                f"This server has no model that {what}. Its operator can run `python manage.py models fetch {model}`"
                f"{otherwise and ', '}{otherwise}.",
            )
        return _weighed(model, _directory(here))

    def _here(self, model: str) -> Source | None:
        entry = catalog.fetchable(model)
        return self._store.place(entry) if entry else None

    def _load_embedder(self, source: Source) -> "Embedder":
        from engine.text.embed import Embedder

        return Embedder(_directory(source), self._config)

    def _load_writer(self, source: Source) -> "Writer":
        from engine.text.writer import Writer

        return Writer(_directory(source), self._config)

    def _load_translator(self, source: Source) -> "Translator":
        from engine.text.translator import Translator

        return Translator(_directory(source), self._config)

    @contextmanager
    def _embedder(self, beat: Beat) -> Iterator["Embedder"]:
        directory = wait_beating(in_thread(lambda: minilm.ready(self._config.models_dir), "unpack"), beat)
        source = _weighed(minilm.ID, directory)
        with self._store.hold(source, self._load_embedder, beat) as embedder:
            yield embedder

    @contextmanager
    def _lane(self, priority: Priority) -> Iterator[Lane]:
        """While it lasts; what waits when it ends is not done any more."""
        door = self._scheduler.door(None, priority)
        try:
            yield _Told(door)
        finally:
            door.leave()


class _Told:
    """The lane of a door, which says in words for people that memory ran out."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, work: Callable[[], T]) -> "Future[T]":
        return self._door.call(lambda: _told_if_too_big(work))


def _weighed(model: str, directory: Path) -> Source:
    return Source(model, directory, memory.of_model(directory, "int8"))


def _directory(source: Source) -> Path:
    assert source.directory is not None
    return source.directory


def _told_if_too_big(work: Callable[[], T]) -> T:
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, EngineError) or not out_of_memory(error):
            raise
        raise OutOfMemory("out_of_memory", "There was not enough memory to read even a few paragraphs.") from error
