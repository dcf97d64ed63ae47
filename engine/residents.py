"""The models in memory: loaded once, counted while used, let go when idle."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from engine.errors import EngineError, ModelUnavailable, OutOfMemory
from engine.faults import out_of_memory
from engine.waiting import in_thread, wait_beating

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is here and can be loaded; `directory` is None for the embedded one."""

    id: str
    directory: Path | None


class _Resident(Generic[T]):
    def __init__(self) -> None:
        self.model: Future[T] = Future()
        self.users = 0
        self.idle_since = 0.0


class Residents(Generic[T]):
    """Thread-safe. Loading happens in a thread of its own, so that whoever waits can be told that it lives."""

    def __init__(
        self,
        load: Callable[[Source], T],
        *,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._here: dict[str, _Resident[T]] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    @contextmanager
    def use(self, source: Source, on_wait: Callable[[], None]) -> Iterator[T]:
        """Raises ModelUnavailable, OutOfMemory, and whatever `on_wait` raises."""
        resident = self._enter(source)
        try:
            yield wait_beating(resident.model, on_wait)
        finally:
            with self._lock:
                resident.users -= 1
                resident.idle_since = self._clock()

    def loaded(self, model: str) -> bool:
        with self._lock:
            resident = self._here.get(model)
            return resident is not None and resident.model.done()

    def forget(self, model: str) -> bool:
        """False if the model is in use and stays."""
        with self._lock:
            resident = self._here.get(model)
            if resident is not None and (resident.users or not resident.model.done()):
                return False
            self._here.pop(model, None)
            return True

    def unload_idle(self) -> list[str]:
        """Let go of what nobody used for `idle_seconds`; returns the ids."""
        now = self._clock()
        return self._unload(lambda resident: now - resident.idle_since >= self._idle_seconds)

    def close(self) -> None:
        self._closed.set()
        self._unload(lambda resident: True)

    def _enter(self, source: Source) -> _Resident[T]:
        with self._lock:
            resident = self._here.get(source.id)
            if resident is None:
                resident = self._here[source.id] = _Resident()
                in_thread(partial(self._bring_in, source, resident), f"load-{source.id}")
            resident.users += 1
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="unload-idle", daemon=True)
                self._sweeper.start()
            return resident

    def _bring_in(self, source: Source, resident: _Resident[T]) -> None:
        try:
            model = self._load_making_room(source)
        except Exception as error:
            with self._lock:
                self._here.pop(source.id, None)
            resident.model.set_exception(_load_error(source, error))
        else:
            resident.model.set_result(model)

    def _load_making_room(self, source: Source) -> T:
        try:
            return self._load(source)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error) or not self._unload(lambda resident: True):
                raise
        return self._load(source)

    def _unload(self, unwanted: Callable[[_Resident[T]], bool]) -> list[str]:
        with self._lock:
            gone = [
                model
                for model, resident in self._here.items()
                if not resident.users and resident.model.done() and unwanted(resident)
            ]
            for model in gone:
                del self._here[model]
        if gone:
            gc.collect()
            _log.info("Unloaded %s", ", ".join(gone))
        return gone

    def _sweep(self) -> None:
        while not self._closed.wait(min(30.0, max(1.0, self._idle_seconds / 4))):
            self.unload_idle()


def _load_error(source: Source, error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    if out_of_memory(error):
        return OutOfMemory("out_of_memory", f"There is not enough memory to load the model {source.id}.")
    _log.error("Loading %s failed", source.id, exc_info=error)
    return ModelUnavailable(
        "model_unavailable",
        f"The files of the model {source.id} are here but cannot be loaded ({error}). "
        f"Its operator can run `python manage.py models remove {source.id}` and fetch it again.",
    )
