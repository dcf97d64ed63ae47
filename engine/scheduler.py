"""Who may use the device next, and together with whom. CTranslate2's own queue is first come, first served; this one
stands before it and fills every call with windows of all runs that can share one."""

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.errors import Cancelled, EngineGone, OutOfMemory
from engine.faults import out_of_memory
from engine.protocols import Recognizer, Request, Window
from engine.types import Priority, Segment

T = TypeVar("T")
Text = tuple[Segment, ...]

CLASSES: tuple[Priority, ...] = ("live_final", "live_partial", "interactive", "bulk")
COMPANY: dict[Priority, tuple[Priority, ...]] = {
    "live_final": ("live_final",),
    "live_partial": ("live_partial",),
    "interactive": ("interactive", "bulk"),
    "bulk": ("bulk", "interactive"),
}
"""Whose windows fill the places that a class leaves free. Live calls stay small: their answer is awaited by ear."""
FILES: tuple[Priority, ...] = ("interactive", "bulk")
PATIENCE = 9
"""So many interactive turns may pass over waiting bulk work before it gets one. Live work is never held up by this."""
CHOICE = 4
"""The rest of a call of n windows is picked among the next CHOICE * n in line: those most like the first in length."""


@dataclass(eq=False, slots=True)
class _Entry:
    """One window, or one call that wants the device for itself."""

    door: "Door"
    future: "Future[Any]" = field(default_factory=Future)
    call: Callable[[], Any] | None = None
    window: Window | None = None
    request: Request | None = None
    kind: Hashable = None

    @property
    def length(self) -> int:
        return len(self.window.samples) if self.window else 0

    @property
    def language(self) -> str | None:
        return self.request.language if self.request else None


class Door:
    """One run's way to the device. `left` is true once the run is over: whoever works for it may stop."""

    def __init__(
        self,
        scheduler: "Scheduler",
        recognizer: Recognizer | None,
        priority: Priority,
        tenant: Hashable,
        job: Hashable,
    ) -> None:
        self._recognizer, self.priority, self.tenant, self.job = recognizer, priority, tenant, job
        self.left = False
        self._scheduler = scheduler

    @property
    def recognizer(self) -> Recognizer:
        """Of a run over sound; whoever has none only makes calls."""
        assert self._recognizer is not None
        return self._recognizer

    def recognize(self, windows: Sequence[Window], requests: Sequence[Request]) -> "list[Future[Text]]":
        """Windows may come back in any order. Raises EngineGone; OutOfMemory is in the future of what did not fit."""
        entries = [
            _Entry(self, window=window, request=request, kind=self.recognizer.kind(request))
            for window, request in zip(windows, requests, strict=True)
        ]
        return self._scheduler.enter(entries)

    def call(self, fn: Callable[[], T]) -> "Future[T]":
        """Run `fn` when a lane of the device is free for it."""
        [future] = self._scheduler.enter([_Entry(self, call=fn)])
        return future

    def leave(self) -> None:
        """What waits is cancelled, what runs is told."""
        self.left = True
        self._scheduler.drop(self)


class Scheduler:
    """The lowest class first; in a class tenants take turns, and jobs of a tenant. No lane waits for a call to fill.

    `lanes` calls are on the device at a time. A call that fails is halved until what fails is one window, whose future
    has the error; where memory ran out the recogniser's calls stay halved.
    """

    def __init__(self, lanes: int = 1) -> None:
        self._lines = {name: _Line() for name in CLASSES}
        self._passed_over = 0
        self._live = 0
        """Streams that are listened to."""
        self._on_files = 0
        """Lanes that work for files."""
        self._closed = False
        self._changed = threading.Condition()
        self._lanes = [
            threading.Thread(target=self._work, name=f"inference-{number}", daemon=True) for number in range(lanes)
        ]
        for lane in self._lanes:
            lane.start()

    def door(
        self, recognizer: Recognizer | None, priority: Priority, *, job: Hashable = None, tenant: Hashable = None
    ) -> Door:
        """Without a name a job, or a tenant, is one of its own."""
        own = object()
        return Door(
            self, recognizer, priority, tenant=own if tenant is None else tenant, job=own if job is None else job
        )

    @contextmanager
    def with_live(self) -> Iterator[None]:
        """While it lasts one lane, where there are several, is kept free of files: a stream's answer would otherwise
        wait until a file's window is done."""
        with self._changed:
            self._live += 1
        try:
            yield
        finally:
            with self._changed:
                self._live -= 1
                self._changed.notify_all()

    def waiting(self) -> int:
        with self._changed:
            return sum(not entry.future.cancelled() for line in self._lines.values() for entry in line.in_turn())

    def close(self, timeout: float | None = None) -> None:
        """Running calls end, what waits fails with EngineGone."""
        with self._changed:
            self._closed = True
            left = [entry for line in self._lines.values() for entry in line.in_turn()]
            self._lines = {name: _Line() for name in CLASSES}
            self._changed.notify_all()
        for entry in left:
            if entry.future.set_running_or_notify_cancel():
                entry.future.set_exception(_gone())
        for lane in self._lanes:
            lane.join(timeout)

    def enter(self, entries: Sequence[_Entry]) -> "list[Future[Any]]":
        with self._changed:
            if self._closed:
                raise _gone()
            for entry in entries:
                self._lines[entry.door.priority].add(entry)
            self._changed.notify_all()
        return [entry.future for entry in entries]

    def drop(self, door: Door) -> None:
        with self._changed:
            line = self._lines[door.priority]
            dropped = [entry for entry in line.in_turn() if entry.door is door]
            line.remove(dropped)
        for entry in dropped:
            entry.future.cancel()

    def _work(self) -> None:
        while entries := self._next():
            for_files = entries[0].door.priority in FILES
            _serve([entry for entry in entries if entry.future.set_running_or_notify_cancel()])
            del entries  # a finished call's audio must not live until the next one comes
            with self._changed:
                self._on_files -= for_files
                self._changed.notify_all()

    def _next(self) -> list[_Entry]:
        """What shares the next call; nothing when the scheduler has closed."""
        with self._changed:
            while not self._closed:
                if (priority := self._turn()) is not None:
                    return self._take(priority)
                self._changed.wait()
            return []

    def _turn(self) -> Priority | None:
        first = next((name for name in CLASSES if self._lines[name]), None)
        if first in FILES and self._live and 0 < self._on_files >= len(self._lanes) - 1:
            return None
        if first != "interactive" or not self._lines["bulk"]:
            self._passed_over = 0 if first in (None, "bulk") else self._passed_over
            return first
        if self._passed_over >= PATIENCE:
            self._passed_over = 0
            return "bulk"
        self._passed_over += 1
        return first

    def _take(self, priority: Priority) -> list[_Entry]:
        first = next(self._lines[priority].in_turn())
        self._on_files += priority in FILES
        taken = [first]
        if first.window is not None:
            lines = [self._lines[name].in_turn() for name in COMPANY[priority]]
            taken += _company(first, itertools.chain.from_iterable(lines))
        for name in COMPANY[priority]:
            self._lines[name].remove([entry for entry in taken if entry.door.priority == name])
        return taken


class _Line:
    """What waits in one class, under the scheduler's lock."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[Hashable, OrderedDict[Hashable, deque[_Entry]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._tenants)

    def add(self, entry: _Entry) -> None:
        jobs = self._tenants.setdefault(entry.door.tenant, OrderedDict())
        queue = jobs.setdefault(entry.door.job, deque())
        if entry.call is None:
            queue.append(entry)
        else:  # what holds up its job's next chunk: a language to be heard, a second opinion
            queue.appendleft(entry)

    def in_turn(self) -> Iterator[_Entry]:
        """One of each tenant, then the next of each; a tenant's jobs take turns in the same way."""
        return _rounds(_rounds(map(iter, jobs.values())) for jobs in self._tenants.values())

    def remove(self, entries: Sequence[_Entry]) -> None:
        """Whoever had a turn goes to the end of the line."""
        for entry in entries:
            tenant, job = entry.door.tenant, entry.door.job
            jobs = self._tenants[tenant]
            jobs[job].remove(entry)
            jobs.move_to_end(job)
            self._tenants.move_to_end(tenant)
            if not jobs[job]:
                del jobs[job]
            if not jobs:
                del self._tenants[tenant]


def _rounds(lines: Iterable[Iterator[_Entry]]) -> Iterator[_Entry]:
    waiting = deque(lines)
    while waiting:
        line = waiting.popleft()
        for entry in line:
            yield entry
            waiting.append(line)
            break


def _company(first: _Entry, others: Iterator[_Entry]) -> list[_Entry]:
    """The windows that fill the call of `first`: like lengths waste no steps, one language aligns in one pass."""
    places = first.door.recognizer.call_windows - 1
    fitting = (
        entry
        for entry in others
        if entry is not first
        and entry.window is not None
        and entry.door.recognizer is first.door.recognizer
        and entry.kind == first.kind
    )
    choice = list(itertools.islice(fitting, CHOICE * places))
    return sorted(choice, key=lambda entry: _distance(first, entry))[:places]


def _distance(first: _Entry, other: _Entry) -> tuple[bool, int]:
    return first.language != other.language, abs(first.length - other.length)


def _serve(entries: Sequence[_Entry]) -> None:
    if not entries:
        return
    error = _try(entries)
    if error is None:
        return
    if len(entries) == 1 or isinstance(error, Cancelled):
        for entry in entries:
            entry.future.set_exception(_too_big(error, entry.door))
        return
    half = len(entries) // 2
    if out_of_memory(error):
        recognizer = entries[0].door.recognizer
        recognizer.call_windows = max(1, min(recognizer.call_windows, half))
    del error  # its traceback holds what the failed call had on the device
    _serve(entries[:half])
    _serve(entries[half:])


def _try(entries: Sequence[_Entry]) -> BaseException | None:
    first = entries[0]
    try:
        if first.call is not None:
            first.future.set_result(first.call())
            return None
        windows = [entry.window for entry in entries if entry.window is not None]
        requests = [entry.request for entry in entries if entry.request is not None]
        texts = first.door.recognizer.recognize(windows, requests, lambda: all(entry.door.left for entry in entries))
        for entry, text in list(zip(entries, texts, strict=True)):
            entry.future.set_result(text)
    except BaseException as error:
        return error
    return None


def _too_big(error: BaseException, door: Door) -> BaseException:
    if not out_of_memory(error):
        return error
    return OutOfMemory(
        "out_of_memory",
        f"There is not enough memory for the model {door.recognizer.model} to transcribe even 30 seconds of audio. "
        "Free memory on the device or choose a smaller model.",
    )


def _gone() -> EngineGone:
    return EngineGone("engine_gone", "The speech engine is shutting down. The work can be tried again.")
