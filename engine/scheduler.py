"""Who may use the device next. CTranslate2's own queue is first come, first served; this one stands before it."""

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from engine.errors import EngineGone
from engine.types import Priority

T = TypeVar("T")

CLASSES: tuple[Priority, ...] = ("live_final", "live_partial", "interactive", "bulk")
PATIENCE = 9
"""So many interactive turns may pass over waiting bulk work before it gets one. Live work is never held up by this."""


class Submit(Protocol):
    def __call__(self, fn: Callable[[], T], /) -> "Future[T]": ...


_Task = tuple[Callable[[], Any], "Future[Any]"]
_Jobs = OrderedDict[Hashable, deque[_Task]]


class Scheduler:
    """One task at a time per lane: the lowest class first, the jobs of a class in turns.

    A task cancelled before its turn never starts; what a task raises is in its future.
    """

    def __init__(self, lanes: int = 1) -> None:
        self._waiting: dict[Priority, _Jobs] = {name: OrderedDict() for name in CLASSES}
        self._passed_over = 0
        self._closed = False
        self._changed = threading.Condition()
        self._lanes = [
            threading.Thread(target=self._work, name=f"inference-{number}", daemon=True) for number in range(lanes)
        ]
        for lane in self._lanes:
            lane.start()

    def door(self, job: Hashable, priority: Priority) -> Submit:
        def submit(fn: Callable[[], T], /) -> "Future[T]":
            return self._enter(job, priority, fn)

        return submit

    def waiting(self) -> int:
        with self._changed:
            tasks = itertools.chain.from_iterable(jobs.values() for jobs in self._waiting.values())
            return sum(not future.cancelled() for queue in tasks for _, future in queue)

    def close(self, timeout: float | None = None) -> None:
        """Running tasks end, waiting ones fail with EngineGone."""
        with self._changed:
            self._closed = True
            left = [task for jobs in self._waiting.values() for queue in jobs.values() for task in queue]
            for jobs in self._waiting.values():
                jobs.clear()
            self._changed.notify_all()
        for _, future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(_gone())
        for lane in self._lanes:
            lane.join(timeout)

    def _enter(self, job: Hashable, priority: Priority, fn: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise _gone()
            self._waiting[priority].setdefault(job, deque()).append((fn, future))
            self._changed.notify()
        return future

    def _work(self) -> None:
        while (task := self._next()) is not None:
            fn, future = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn())
                except BaseException as error:
                    future.set_exception(error)
            del task, fn, future  # a finished batch's audio must not live until the next one comes

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._closed:
                if (priority := self._turn()) is not None:
                    return _take(self._waiting[priority])
                self._changed.wait()
            return None

    def _turn(self) -> Priority | None:
        first = next((name for name in CLASSES if self._waiting[name]), None)
        if first != "interactive" or not self._waiting["bulk"]:
            self._passed_over = 0 if first in (None, "bulk") else self._passed_over
            return first
        if self._passed_over >= PATIENCE:
            self._passed_over = 0
            return "bulk"
        self._passed_over += 1
        return first


def _take(jobs: _Jobs) -> _Task:
    """The next task of the job whose turn it is; the job then goes to the end of the line."""
    job, queue = jobs.popitem(last=False)
    task = queue.popleft()
    if queue:
        jobs[job] = queue
    return task


def _gone() -> EngineGone:
    return EngineGone("engine_gone", "The speech engine is shutting down. The work can be tried again.")
