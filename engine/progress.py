"""A progress bar on stderr, if a person is looking."""

import sys
from types import TracebackType
from typing import Any

from engine.protocols import Engine
from engine.types import Event, Phase, Progress

NAMES: dict[Phase, str] = {
    "waiting": "Waiting",
    "fetching_model": "Fetching model",
    "transcribing": "Transcribing",
    "finishing": "Finishing",
}


class Bar:
    """Two bars in turn: the share of a download, and the seconds of audio done."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine
        self._bar: Any = None
        self._unit = ""

    def show(self, event: Event) -> None:
        if not isinstance(event, Progress) or not sys.stderr.isatty():
            return
        if event.phase == "fetching_model":
            self.fetched(self._share())
            return
        self._draw("s", NAMES[event.phase], event.done, event.total)

    def fetched(self, share: float) -> None:
        if sys.stderr.isatty():
            self._draw("%", NAMES["fetching_model"], share * 100, 100.0)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def _share(self) -> float:
        models = self._engine.status().models if self._engine else ()
        return next((model.fetching for model in models if model.fetching is not None), 0.0)

    def _draw(self, unit: str, name: str, done: float, total: float | None) -> None:
        from tqdm import tqdm

        if unit != self._unit:
            if self._bar is not None:
                self._bar.close()
            self._unit = unit
            layout = "{l_bar}{bar}| {n_fmt}/{total_fmt} {unit} {remaining}"
            self._bar = tqdm(unit=unit, file=sys.stderr, leave=False, bar_format=layout)
        self._bar.set_description_str(name, refresh=False)
        self._bar.total = None if total is None else round(total)
        self._bar.n = round(done)
        self._bar.refresh()
