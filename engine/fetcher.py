"""One download of a model at a time, shared by everyone who waits for it; a silent hub is left alone for a while."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path

from engine import hub
from engine.catalog import ModelEntry
from engine.errors import ModelUnavailable
from engine.waiting import in_thread, wait_beating

UNREACHABLE_SECONDS = 600.0
"""So long a failed fetch is not tried again on its own, or every request would wait for it in turn."""
FIRST_LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)
_EVERYTHING = "*"


class _Download:
    def __init__(self) -> None:
        self.share = 0.0
        self.done: Future[None] = Future()


class Fetcher:
    def __init__(self, models_dir: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._models_dir = models_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, _Download] = {}
        self._silent_until: dict[str, float] = {}
        self._look: Future[ModelUnavailable | None] | None = None
        self._hub_answers: bool | None = None

    def share(self, model: str) -> float | None:
        """How much of a running download is done, 0..1."""
        with self._lock:
            download = self._running.get(model)
            return download.share if download else None

    def worth_trying(self, model: str) -> bool:
        now = self._clock()
        with self._lock:
            return model in self._running or all(
                self._silent_until.get(key, now) <= now for key in (_EVERYTHING, model)
            )

    def fetch(self, entry: ModelEntry, on_wait: Callable[[float], None]) -> None:
        """Returns when the model is on disk. Raises ModelUnavailable, and whatever `on_wait` raises: the download
        then goes on for the others."""
        with self._lock:
            download = self._running.get(entry.id)
            if download is None:
                download = self._running[entry.id] = _Download()
                in_thread(partial(self._download, entry, download), f"fetch-{entry.id}")
        wait_beating(download.done, lambda: on_wait(download.share))

    def would_answer(self, entry: ModelEntry) -> bool:
        """Would a fetch of this model begin? Asks the hub once, in the background, and again when it was silent long
        enough; before the first answer it waits a moment, and then hopes."""
        if not self.worth_trying(entry.id):
            return False
        with self._lock:
            known = self._hub_answers
            if known is not True and (self._look is None or self._look.done()):
                ask = partial(hub.check, entry.repo or "")
                self._look = in_thread(partial(self._remembering, entry, ask), "look-for-hub")
            look = self._look
        if known is None and look is not None:
            wait([look], timeout=FIRST_LOOK_SECONDS)
            return self.worth_trying(entry.id)
        return bool(known)

    def _download(self, entry: ModelEntry, download: _Download) -> None:
        def moved(share: float) -> None:
            download.share = share

        def fetch() -> None:
            hub.fetch(entry.repo or "", self._models_dir / entry.id, moved, hub.LAYOUTS[entry.kind])

        error = self._remembering(entry, fetch)
        with self._lock:
            del self._running[entry.id]
        if error is None:
            download.done.set_result(None)
        else:
            download.done.set_exception(error)

    def _remembering(self, entry: ModelEntry, ask: Callable[[], None]) -> ModelUnavailable | None:
        try:
            ask()
        except hub.HubUnreachable as error:
            return self._remember(_EVERYTHING, str(error))
        except hub.FetchFailed as error:
            return self._remember(entry.id, str(error))
        except Exception as error:  # those who wait must hear of it
            _log.exception("Fetching %s failed", entry.id)
            return self._remember(entry.id, f"The download failed: {type(error).__name__}.")
        with self._lock:
            for key in (_EVERYTHING, entry.id):
                self._silent_until.pop(key, None)
            self._hub_answers = True
        return None

    def _remember(self, key: str, sentence: str) -> ModelUnavailable:
        with self._lock:
            self._silent_until[key] = self._clock() + UNREACHABLE_SECONDS
            self._hub_answers = key != _EVERYTHING
        return ModelUnavailable("model_unavailable", sentence)
