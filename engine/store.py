"""Which model answers a request, brought to this disk and into memory when it is wanted."""

import dataclasses
import fcntl
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine import catalog, hardware, hub, memory
from engine.config import EngineConfig
from engine.errors import EngineError, ModelUnavailable, TranslatorMissing
from engine.fetcher import Fetcher
from engine.memory import Budget
from engine.protocols import Recognizer, Rehearses
from engine.residents import Residents, Source
from engine.types import ModelStatus, Phase, Task

OnWait = Callable[[Phase, float | None], None]
"""Called in the waiting thread at least once a second, with the share of a download done; may raise."""
T = TypeVar("T")
Loader = Callable[[Source, EngineConfig], Recognizer]

_log = logging.getLogger(__name__)


def load_recognizer(source: Source, config: EngineConfig) -> Recognizer:
    if source.directory is None:
        from engine.backends.pocketsphinx import PocketSphinxRecognizer

        return PocketSphinxRecognizer()
    from engine.backends.whisper import WhisperRecognizer

    return WhisperRecognizer(source.directory, source.id, config)


def _silent(phase: Phase, share: float | None) -> None: ...


class ModelStore:
    """Thread-safe. A named model is that model or an error, never silently another."""

    def __init__(
        self, config: EngineConfig, *, load: Loader = load_recognizer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises ValueError if the configured default is neither in the catalogue nor a model directory."""
        device = hardware.detect(config.device).device
        default_model, compute_type = catalog.default_for(device)
        compute_type = compute_type if config.compute_type == "default" else config.compute_type
        ready_config = dataclasses.replace(config, device=device, compute_type=compute_type)
        self._config = config
        self._compute_type = compute_type
        self._own = _own_directory(config.default_model)
        self._default_id = self._own.id if self._own else _known(config.default_model or default_model)
        self._fetcher = Fetcher(config.models_dir, clock=clock)
        self._residents: Residents[Any] = Residents(
            lambda source: load(source, ready_config),
            idle_seconds=config.idle_unload_seconds,
            budget=Budget(config.model_memory_mb, hardware.free_memory if device == "cuda" else memory.free_ram),
            clock=clock,
        )
        self.unload_idle = self._residents.unload_idle

    @contextmanager
    def use(self, model: str | None, *, task: Task = "transcribe", on_wait: OnWait = _silent) -> Iterator[Recognizer]:
        """The model that answers to a name (None: the server's default), loaded, for as long as the block lasts.

        Raises ModelUnavailable, TranslatorMissing, ModelsBusy, OutOfMemory, and whatever `on_wait` raises.
        """
        source = self._resolve(model, on_wait) if task == "transcribe" else self._translator(model, on_wait)
        with (
            self._reading(source),
            self._residents.use(self._weighed(source), lambda: on_wait("waiting", None)) as recognizer,
        ):
            yield recognizer

    @contextmanager
    def hold(self, source: Source, load: Callable[[Source], T], on_wait: Callable[[], None]) -> Iterator[T]:
        """A model that is no recogniser, in the same memory and let go in the same way. Raises as `use`."""
        with self._reading(source), self._residents.use(source, on_wait, load) as model:
            yield model

    def ready(self, model: str | None, task: Task = "transcribe") -> bool:
        """Would `use` begin at once, without a download or a load?"""
        source = self._here(model)
        if source is not None and task == "translate" and not catalog.translates(source.id):
            source = self._stand_in(model)
        return source is not None and self._residents.loaded(source.id)

    def default(self) -> tuple[str, bool]:
        """The id of the model that answers where none is named; is it the embedded one?"""
        entry = catalog.find(self._default_id)
        if self._here(None) is None and not (entry and self._config.fetch_models and self._fetcher.would_answer(entry)):
            return catalog.EMBEDDED, True
        return self._default_id, self._default_id == catalog.EMBEDDED

    def statuses(self) -> tuple[ModelStatus, ...]:
        ids = [self._own.id] if self._own else []
        ids += [entry.id for entry in catalog.MODELS if entry.id not in ids]
        return tuple(self._status(model) for model in ids)

    def others(self) -> tuple[ModelStatus, ...]:
        """What tells speakers apart, and what does with text."""
        return tuple(
            ModelStatus(
                entry.id,
                self.place(entry) is not None,
                loaded=self._residents.loaded(entry.id),
                fetching=self._fetcher.share(entry.id),
            )
            for entry in (*catalog.DIARIZERS, *catalog.TEXT)
        )

    def fetch(self, model: str, on_progress: Callable[[float], None]) -> None:
        """Download now, even where that is not allowed on first use. Raises ModelUnavailable."""
        entry = catalog.fetchable(model)
        if entry is None:
            raise self._unknown(model)
        if self.place(entry) is None:
            self._fetcher.fetch(entry, on_progress)

    def remove(self, model: str) -> None:
        """Delete a fetched model. Raises ModelUnavailable, or EngineError `model_in_use`."""
        entry = catalog.fetchable(model)
        source = self.place(entry) if entry else None
        if source is None or source.directory is None:
            raise ModelUnavailable("model_unavailable", f"{model} is not a model that was fetched to this server.")
        with self._reading(source, exclusively=True):
            if not self._residents.forget(source.id):
                raise _in_use(source.id)
            doomed = source.directory.with_name(f".removing-{source.id}")
            shutil.rmtree(doomed, ignore_errors=True)  # what an interrupted removal has left
            source.directory.rename(doomed)
            shutil.rmtree(doomed)

    def warm(self) -> None:
        """Load the default if it is here, else find out whether the hub answers. Waits for neither."""
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()

    def close(self) -> None:
        self._residents.close()

    def _resolve(self, model: str | None, on_wait: OnWait) -> Source:
        if (source := self._here(model)) is not None:
            return source
        if model is None or catalog.tier(model) is not None:
            return self._default(on_wait)
        entry = catalog.find(model)
        if entry is None:
            raise self._unknown(model)
        return self._fetch_named(entry, on_wait)

    def _translator(self, model: str | None, on_wait: OnWait) -> Source:
        """As `_resolve`; where the default or a tier's model cannot translate, one that is here and can."""
        named = catalog.find(model) if model is not None else None
        if named is not None and not named.translates:
            raise _no_translator(f"{named.name} was not trained to translate.")
        source = self._resolve(model, on_wait)
        fit = source if catalog.translates(source.id) else self._stand_in(model)
        if fit is None:
            raise _no_translator(f"This server answers with {source.id}, which was not trained to translate.")
        return fit

    def _stand_in(self, model: str | None) -> Source | None:
        return self._of_tier((model and catalog.tier(model)) or "best", "translate")

    def _here(self, model: str | None) -> Source | None:
        """The model a name means, if it can be loaded without a download."""
        if model is None:
            return self._own or self._installed(self._default_id)
        if self._own is not None and model == self._own.id:
            return self._own
        if (tier := catalog.tier(model)) is not None:
            return self._of_tier(tier)
        return self._installed(model)

    def _of_tier(self, tier: catalog.Tier, task: Task = "transcribe") -> Source | None:
        """The best or fastest Whisper on this disk that can do it; the operator's own directory comes before the
        catalogue's."""
        if self._own is not None and (task == "transcribe" or catalog.translates(self._own.id)):
            return self._own
        order = catalog.BEST_FIRST if tier == "best" else catalog.FASTEST_FIRST
        fit = (
            model
            for model in order
            if model != catalog.EMBEDDED and (task == "transcribe" or catalog.translates(model))
        )
        found = (self._installed(model) for model in fit)
        return next((source for source in found if source is not None), None)

    def _installed(self, model: str) -> Source | None:
        entry = catalog.find(model)
        return self.place(entry) if entry else None

    def place(self, entry: catalog.ModelEntry) -> Source | None:
        """Where the model lies, if all of it is here."""
        if entry.repo is None:
            return Source(entry.id, None)
        directory = self._config.models_dir / entry.id
        return Source(entry.id, directory) if hub.complete(directory, hub.LAYOUTS[entry.kind]) else None

    def _default(self, on_wait: OnWait) -> Source:
        entry = catalog.find(self._default_id)
        if entry is not None and self._may_fetch(entry.id):
            try:
                return self._fetch(entry, on_wait)
            except ModelUnavailable as error:
                _log.warning("%s The built-in recogniser answers instead of %s.", error.message, entry.id)
        return Source(catalog.EMBEDDED, None)

    def _fetch(self, entry: catalog.ModelEntry, on_wait: OnWait) -> Source:
        self._fetcher.fetch(entry, lambda share: on_wait("fetching_model", share))
        return Source(entry.id, self._config.models_dir / entry.id)

    def _fetch_named(self, entry: catalog.ModelEntry, on_wait: OnWait) -> Source:
        why = "this server may not fetch models by itself."
        if self._may_fetch(entry.id):
            try:
                return self._fetch(entry, on_wait)
            except ModelUnavailable as error:
                why = error.message
        elif self._config.fetch_models:
            why = "fetching it failed a few minutes ago."
        raise ModelUnavailable(
            "model_unavailable",
            f"The model {entry.id} is not on this server: {why[0].lower()}{why[1:]} Its operator can run "
            f"`python manage.py models fetch {entry.id}`; name no model to be answered by {self.default()[0]}.",
        )

    def _may_fetch(self, model: str) -> bool:
        return self._config.fetch_models and self._fetcher.worth_trying(model)

    def _status(self, model: str) -> ModelStatus:
        installed = (self._own is not None and model == self._own.id) or self._installed(model) is not None
        return ModelStatus(model, installed, self._residents.loaded(model), self._fetcher.share(model))

    def _unknown(self, model: str) -> ModelUnavailable:
        names = [status.id for status in self.statuses()]
        return ModelUnavailable("unknown_model", f"There is no model {model!r}. Choose one of: {', '.join(names)}.")

    def _warm(self) -> None:
        if self._here(None) is None:
            self.default()
            return
        try:
            with self.use(None) as recognizer:
                if isinstance(recognizer, Rehearses):
                    recognizer.rehearse()
        except EngineError as error:
            _log.warning("%s", error.message)

    @contextmanager
    def _reading(self, source: Source, *, exclusively: bool = False) -> Iterator[None]:
        """Keeps `models remove`, in this process or another, from deleting files that are in use."""
        if source.directory is None or source == self._own:
            yield
            return
        try:
            lock = self._lock_file(source.id).open("a")
        except OSError:  # read-only weights: nobody can remove them either
            yield
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusively else fcntl.LOCK_SH)
            except BlockingIOError:
                raise _in_use(source.id) from None
            yield

    def _weighed(self, source: Source) -> Source:
        return dataclasses.replace(source, megabytes=memory.of_model(source.directory, self._compute_type))

    def _lock_file(self, model: str) -> Path:
        folder = self._config.models_dir / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / model


def _own_directory(name: str | None) -> Source | None:
    """The operator's own model, if the configured default is the path of one."""
    if name is None or ("/" not in name and catalog.find(name) is not None):
        return None
    directory = Path(name).resolve()
    if hub.complete(directory):
        return Source(directory.name, directory)
    if "/" in name or directory.exists():
        raise ValueError(f"STT_MODEL is {name}, which is not a directory with a whole CTranslate2 Whisper model.")
    return None


def _no_translator(why: str) -> TranslatorMissing:
    return TranslatorMissing(
        "translator_missing",
        f"{why} Nothing was transcribed. These models can: {', '.join(catalog.translators())}; the server's operator "
        "can run `python manage.py models fetch` for one.",
    )


def _known(name: str) -> str:
    entry = catalog.find(name)
    if entry is None:
        names = ", ".join(entry.id for entry in catalog.MODELS)
        raise ValueError(f"STT_MODEL is {name!r}; it must be the path of a model directory or one of: {names}.")
    return entry.id


def _in_use(model: str) -> EngineError:
    return EngineError("model_in_use", f"The model {model} is in use; try again when its work is done.")
