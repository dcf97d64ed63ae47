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

from engine.errors import EngineError, ModelsBusy, ModelUnavailable, OutOfMemory
from engine.faults import out_of_memory
from engine.memory import Budget, give_back
from engine.waiting import in_thread, wait_beating

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is here and can be loaded; `directory` is None for the embedded one."""

    id: str
    directory: Path | None
    megabytes: float = 0.0
    """What it will take in memory."""


class _Resident(Generic[T]):
    def __init__(self, source: Source) -> None:
        self.source = source
        self.model: Future[T] = Future()
        self.users = 0
        self.idle_since = 0.0

    @property
    def idle(self) -> bool:
        return not self.users and self.model.done()


class Residents(Generic[T]):
    """Thread-safe. Loading happens in a thread of its own, so that whoever waits can be told that it lives."""

    def __init__(
        self,
        load: Callable[[Source], T],
        *,
        idle_seconds: float,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._idle_seconds = idle_seconds
        self._budget = budget or Budget()
        self._clock = clock
        self._lock = threading.Lock()
        self._here: dict[str, _Resident[T]] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    @contextmanager
    def use(
        self, source: Source, on_wait: Callable[[], None], load: Callable[[Source], T] | None = None
    ) -> Iterator[T]:
        """`load`, where the model is of another kind than the others.

        Raises ModelUnavailable, ModelsBusy, OutOfMemory, and whatever `on_wait` raises."""
        resident = self._enter(source, load or self._load)
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
            if resident is not None and not resident.idle:
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

    def _enter(self, source: Source, load: Callable[[Source], T]) -> _Resident[T]:
        with self._lock:
            resident = self._here.get(source.id)
            if resident is None:
                self._make_room(source)
                resident = self._here[source.id] = _Resident(source)
                in_thread(partial(self._bring_in, source, resident, load), f"load-{source.id}")
            resident.users += 1
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="unload-idle", daemon=True)
                self._sweeper.start()
            return resident

    def _make_room(self, source: Source) -> None:
        """Let go of idle models, the least recently used first, but only if that is enough."""
        here = self._here.values()
        loading = sum(resident.source.megabytes for resident in here if not resident.model.done())
        loaded = sum(resident.source.megabytes for resident in here) - loading
        room = self._budget.room(loaded=loaded, loading=loading) if source.megabytes else None
        if room is None:
            return
        gone: list[str] = []
        for resident in sorted((resident for resident in here if resident.idle), key=lambda one: one.idle_since):
            if room < source.megabytes:
                gone.append(resident.source.id)
                room += resident.source.megabytes
        if room < source.megabytes:
            raise self._no_room(source, room, busy=any(not one.idle and one.source.megabytes for one in here))
        self._let_go(gone)

    def _no_room(self, source: Source, room: float, *, busy: bool) -> EngineError:
        need = f"The model {source.id} takes about {source.megabytes:.0f} MB"
        if busy:
            return ModelsBusy(
                "models_busy",
                f"{need}, for which there is no room in memory until another model has done its work. "
                "The work can be tried again then.",
            )
        if self._budget.limit:
            return ModelUnavailable(
                "model_unavailable",
                f"{need}, more than the {self._budget.limit:.0f} MB that models may take here. "
                "Choose a smaller model; the operator can raise STT_MODEL_MEMORY_MB.",
            )
        return OutOfMemory("out_of_memory", f"{need}, but only {max(room, 0.0):.0f} MB are free on its device.")

    def _bring_in(self, source: Source, resident: _Resident[T], load: Callable[[Source], T]) -> None:
        try:
            model = self._load_making_room(source, load)
        except Exception as error:
            with self._lock:
                self._here.pop(source.id, None)
            resident.model.set_exception(_load_error(source, error))
        else:
            resident.model.set_result(model)

    def _load_making_room(self, source: Source, load: Callable[[Source], T]) -> T:
        try:
            return load(source)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error) or not self._unload(lambda resident: True):
                raise
        return load(source)

    def _unload(self, unwanted: Callable[[_Resident[T]], bool]) -> list[str]:
        with self._lock:
            gone = [model for model, resident in self._here.items() if resident.idle and unwanted(resident)]
            self._let_go(gone)
        return gone

    def _let_go(self, models: list[str]) -> None:
        for model in models:
            del self._here[model]
        if models:
            gc.collect()
            _log.info("Unloaded %s", ", ".join(models))

    def _sweep(self) -> None:
        while not self._closed.wait(min(30.0, max(1.0, self._idle_seconds / 4))):
            self.unload_idle()
            give_back()


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
