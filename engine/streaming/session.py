"""One live stream's session: a mailbox in front of the listener, which works in one thread."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from engine.errors import Cancelled
from engine.streaming.ears import Ears, Said
from engine.streaming.events import LiveEvent, LiveOptions
from engine.streaming.listener import Listener
from engine.streaming.load import Load
from engine.streaming.tape import Pcm
from engine.types import SAMPLE_RATE

PIECE = SAMPLE_RATE // 2
"""Samples that are looked at before answers get their turn again."""
ROOM = 30 * SAMPLE_RATE
"""Samples that may wait to be looked at; who brings more has to wait."""


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


@dataclass(frozen=True, slots=True)
class _Answer:
    take: Callable[[Said], None]
    future: "Future[Said]"


@dataclass(frozen=True, slots=True)
class _Stop: ...


_Input = Pcm | _Mark | LiveOptions | _Stop
_Item = _Input | _Answer


class Session:
    """See `engine.protocols.Live`."""

    def __init__(self, opening: AbstractContextManager[Ears], emit: Callable[[LiveEvent], None], load: Load) -> None:
        """`opening` is entered by `run`; what comes in meanwhile waits, as far as there is room."""
        self._opening, self._emit, self._load = opening, emit, load
        self._changed = threading.Condition()
        self._input: deque[_Input] = deque()
        self._waiting = 0
        """Samples in `_input`."""
        self._answers: deque[_Answer] = deque()
        self._left = False

    def push(self, pcm: Pcm) -> None:
        for at in range(0, len(pcm), PIECE):
            with self._changed:
                while self._waiting > ROOM and not self._left:
                    self._changed.wait()
                self._tell(pcm[at : at + PIECE])

    def finalize(self, mark: str) -> None:
        with self._changed:
            self._tell(_Mark(mark))

    def update(self, options: LiveOptions) -> None:
        with self._changed:
            self._tell(options)

    def stop(self) -> None:
        with self._changed:
            self._tell(_Stop())

    def close(self) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def run(self) -> None:
        """Raises Cancelled where `close` ended it, and what a recogniser raised."""
        try:
            with self._opening as ears:
                listener = Listener(ears, self._emit, self._ask, self._load)
                while not listener.done:
                    _take(listener, self._next(listener))
        finally:
            self.close()

    def _next(self, listener: Listener) -> _Item:
        """Answers first. What comes in waits while the listener is too far behind."""
        with self._changed:
            while not self._left:
                if self._answers:
                    return self._answers.popleft()
                if self._input and not listener.behind:
                    item = self._input.popleft()
                    if isinstance(item, np.ndarray):
                        self._waiting -= len(item)
                        self._changed.notify_all()
                    return item
                self._changed.wait()
        raise Cancelled

    def _ask(self, future: "Future[Said]", take: Callable[[Said], None]) -> None:
        began = time.monotonic()

        def arrived(done: "Future[Said]") -> None:
            self._load.answered(time.monotonic() - began)
            with self._changed:
                self._answers.append(_Answer(take, done))
                self._changed.notify_all()

        future.add_done_callback(arrived)

    def _tell(self, item: _Input) -> None:
        if isinstance(item, np.ndarray):
            self._waiting += len(item)
        self._input.append(item)
        self._changed.notify_all()


def _take(listener: Listener, item: _Item) -> None:
    match item:
        case _Answer(take=take, future=future):
            take(future.result())
        case _Mark(name=name):
            listener.mark(name)
        case LiveOptions():
            listener.update(item)
        case _Stop():
            listener.finish()
        case pcm:
            listener.hear(pcm)
