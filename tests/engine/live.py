"""A live session driven from a test: its audio in, all of its events out."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from engine.local import LocalEngine
from engine.streaming.events import Final, LiveEvent, LiveOptions, Partial
from engine.streaming.session import Session
from engine.types import Segment
from tests.engine.speech import Pcm

T = TypeVar("T")
WAIT = 60.0
AGENT = LiveOptions(language="en", endpoint_ms=160, max_endpoint_ms=400)
FRAME = 320
"""20 ms, as a telephone sends them."""


class Said(list[LiveEvent]):
    @property
    def finals(self) -> list[Final]:
        return [event for event in self if isinstance(event, Final)]

    @property
    def segments(self) -> list[Segment]:
        return [final.segment for final in self.finals]

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    @property
    def partials(self) -> list[Partial]:
        return [event for event in self if isinstance(event, Partial)]


def frames(pcm: Pcm, length: int = FRAME) -> Iterator[Pcm]:
    for at in range(0, len(pcm), length):
        yield pcm[at : at + length]


class Driven:
    """A session at work in a thread."""

    def __init__(self, engine: LocalEngine, options: LiveOptions = AGENT) -> None:
        self.said = Said()
        self.error: BaseException | None = None
        session = engine.listen(options, self.said.append)
        assert isinstance(session, Session)
        self.session = session
        self._unanswered, self._moved = 0, threading.Event()
        self._ask, session._ask = session._ask, self._counting  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def hear(self, pcm: Pcm, length: int = FRAME) -> None:
        for frame in frames(pcm, length):
            self.session.push(frame)

    def follow(self, pcm: Pcm, length: int = 20 * FRAME) -> None:
        """The audio as slowly as the recogniser likes it: every answer is there before more comes."""
        for frame in frames(pcm, length):
            self.session.push(frame)
            while self._unanswered or self.session._input:
                self._moved.wait(0.01)
                self._moved.clear()

    def end(self) -> Said:
        self.session.stop()
        return self.join()

    def join(self) -> Said:
        self._thread.join(WAIT)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.said

    def _counting(self, future: "Future[T]", take: Callable[[T], None]) -> None:
        def taken(answer: T) -> None:
            take(answer)
            self._unanswered -= 1
            self._moved.set()

        self._unanswered += 1
        self._ask(future, taken)  # type: ignore[arg-type]

    def _run(self) -> None:
        try:
            self.session.run()
        except BaseException as error:
            self.error = error


def listen(engine: LocalEngine, pcm: Pcm, options: LiveOptions = AGENT, length: int = FRAME) -> Said:
    driven = Driven(engine, options)
    driven.hear(pcm, length)
    return driven.end()


def shown(said: Sequence[LiveEvent]) -> list[str]:
    return [event.text for event in said if isinstance(event, Partial)]
