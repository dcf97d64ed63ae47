"""The stages in order: decode, find speech, cut, features, then language and words in turn with other runs.

Everything up to the features runs ahead in other threads, and up to AHEAD batches are with the scheduler at a time, so
that the device need not wait while a chunk is judged and stored.
"""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from engine import channels
from engine.asr import Ear
from engine.assembly import assemble
from engine.diarize import Beside, labelled
from engine.errors import Cancelled
from engine.keywords import Vocabulary
from engine.language import Tongues, among, check_languages, detect, settled_language
from engine.protocols import LanguageGuess, Prepares, Request, Window
from engine.scheduler import Door, Text
from engine.types import SAMPLE_RATE, Chunk, Event, MediaInfo, Notice, Options, Phase, Progress, Transcript
from engine.windows import Batch, batches
from engine.workshop import Workshop

T = TypeVar("T")
TICK = 0.5
"""Seconds between two Progress events while nothing else happens."""
AHEAD = 2
"""Batches of a run that are with the scheduler at a time. One more waits behind them, one more is being cut."""
PATIENCE = 2.0
"""How long an aborted run waits for its threads."""


class Stream(Protocol):
    """Decoded audio as `engine.audio.PcmStream` gives it."""

    info: MediaInfo
    warnings: tuple[Notice, ...]

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]: ...
    def close(self) -> None: ...


def run(
    stream: Stream,
    options: Options,
    *,
    door: Door,
    workshop: Workshop,
    on_event: Callable[[Event], None],
    resume: Sequence[Chunk] = (),
    beside: Beside | None = None,
) -> Transcript:
    """Transcribe `stream` with the recogniser behind `door`, and close both. `resume` holds the chunks of an earlier
    run over the same audio and options. `beside` hears all of the audio, and tells speakers apart; it is closed too.

    What `on_event` raises aborts the run and comes out of here. Raises EngineError.
    """
    cutter = channels.batches if options.channels == "speakers" else batches
    reader = _Reader(stream, door, workshop, resume, cutter, beside)
    try:
        check_languages(options, door.recognizer)
        reader.start()
        return _Run(reader, door, options, on_event, list(resume)).to_the_end()
    finally:
        door.leave()
        reader.stop()
        if beside is not None:
            beside.close()


class _Run:
    """The calling thread's side."""

    def __init__(
        self, reader: "_Reader", door: Door, options: Options, on_event: Callable[[Event], None], chunks: list[Chunk]
    ) -> None:
        self.reader, self.door, self.options = reader, door, options
        self.on_event, self.chunks = on_event, chunks
        self.recognizer = door.recognizer
        self.language = settled_language(options, self.recognizer, chunks)
        self.ear = Ear(self.recognizer, options, lambda: door.left, Vocabulary(options.keywords))
        self.ready: deque[_Ready] = deque()
        """Pulled from the reader, in order."""
        self.asked: deque[_Asked] = deque()
        """With the scheduler, in order; before anything in `ready`."""
        self.tongues: Tongues | None = None
        """The windows of the first batch in `ready`, once it is known which language each is in."""
        self.phase: Phase = "transcribing"
        self.told = 0.0
        self.ended = False

    def to_the_end(self) -> Transcript:
        self._tick()
        while self._asked():
            self._tick()  # here and not behind a chunk: the last one comes with the whole, and is no checkpoint
            chunk, room = self._next_chunk()
            self.reader.done(room)
            self.chunks.append(chunk)
            self.on_event(chunk)
        notices, least = (*self.reader.stream.warnings, *self.ear.notices()), self.options.min_snr_db
        whole = assemble(self.chunks, self.recognizer.model, self.reader.duration, notices, min_snr_db=least)
        if self.options.channels == "speakers":
            return channels.as_speakers(whole)
        return whole if self.reader.beside is None else self._labelled(whole, self.reader.beside)

    def _labelled(self, whole: Transcript, beside: Beside) -> Transcript:
        def arrived() -> bool:
            self.reader.moved()
            return beside.outcome.done() or beside.hangs()

        self.phase = "finishing"
        beside.outcome.add_done_callback(lambda _: self.reader.stirred.set())
        self._until(arrived)
        return labelled(whole, beside)

    def _next_chunk(self) -> tuple[Chunk, int]:
        """And the room that its windows took."""
        asked = self.asked[0]
        found = [self._wait(future) for future in asked.found]
        chunk = self.ear.transcribe(
            asked.ready.batch, asked.tongues, asked.requests, found, asked.language, self._in_turn
        )
        self.asked.popleft()
        return chunk, asked.ready.room

    def _asked(self) -> bool:
        """Is there a batch with the scheduler, after waiting for one if need be? False behind the last one."""
        if not self.asked:
            self._until(lambda: self._has(1))
            if self.ready:
                self._hear_languages(self.ready[0])
                self._ask_ahead()
        return bool(self.asked)

    def _hear_languages(self, ready: "_Ready") -> None:
        windows = self._windows(ready)
        if self.language is None and windows:
            self.language = detect(windows, self._more_windows, self._listen)
            if self.options.code_switching:
                self.language = replace(self.language, source="per_segment")
        language = self.language or LanguageGuess(None, 0.0)
        self.tongues = self.ear.tongues(ready.batch, windows, language, self._listen_to_each)

    def _has(self, count: int) -> bool:
        """Are so many batches in `ready`, or all there are?"""
        while len(self.ready) < count and not self.ended:
            try:
                ready = self.reader.ready.get_nowait()
            except queue.Empty:
                return False
            if ready is None:
                self.ended = True
            else:
                self.ready.append(ready)
        return True

    def _ask_ahead(self) -> None:
        """Give the scheduler what is ready and needs no listening before."""
        while len(self.asked) < AHEAD and self._has(1) and self.ready:
            tongues = self.tongues or self._tongues(self.ready[0])
            if tongues is None:
                return
            ready, self.tongues = self.ready.popleft(), None
            language = self.language or LanguageGuess(None, 0.0)
            requests = self.ear.requests(tongues)
            found = self.door.recognize(tongues.windows, requests)
            self._wake_by(found)
            self.asked.append(_Asked(ready, tongues, requests, language, found))
            if self.language is not None:
                self.language = replace(self.language, calls=0, candidates=())  # they belong to the first chunk

    def _tongues(self, ready: "_Ready") -> Tongues | None:
        if self.ear.deaf_to(ready.batch) or not ready.windows:
            return Tongues((), ())
        if self.language is None or self.language.source == "per_segment":
            return None
        if not all(window.done() for window in ready.windows):
            return None
        windows = tuple(window.result() for window in ready.windows)
        return Tongues(windows, (self.language.language,) * len(windows))

    def _windows(self, ready: "_Ready") -> list[Window]:
        return [] if self.ear.deaf_to(ready.batch) else [self._wait(window) for window in ready.windows]

    def _more_windows(self) -> list[Window]:
        self._until(lambda: self._has(2))
        return self._windows(self.ready[1]) if len(self.ready) > 1 else []

    def _listen(self, windows: Sequence[Window]) -> LanguageGuess:
        return among(self._in_turn(lambda: self.recognizer.detect_language(windows)), self.options.languages)

    def _listen_to_each(self, windows: Sequence[Window]) -> list[LanguageGuess]:
        return [self._listen([window]) for window in windows]

    def _in_turn(self, call: Callable[[], T]) -> T:
        future = self.door.call(call)
        self._wake_by([future])
        return self._wait(future)

    def _wake_by(self, futures: "Sequence[Future[T]]") -> None:
        for future in futures:
            future.add_done_callback(lambda _: self.reader.stirred.set())

    def _wait(self, future: "Future[T]") -> T:
        def arrived() -> bool:
            if not future.running() and not future.done():
                self.reader.moved()  # waiting for its turn is not standing still
            if self.asked:
                self._ask_ahead()
            return future.done()

        self._until(arrived)
        self.reader.moved()
        return future.result()

    def _until(self, come: Callable[[], bool]) -> None:
        """Wait for what the reader or the scheduler does; `come` is called each time that one of them did something."""
        while True:
            self.reader.stirred.clear()
            self._check_reader()
            if come():
                return
            self.reader.stirred.wait(TICK)
            if time.monotonic() - self.told >= TICK:
                self._tick()

    def _tick(self) -> None:
        self._check_reader()
        self.told = time.monotonic()
        done = self.chunks[-1].end if self.chunks else 0.0
        self.on_event(Progress(self.phase, done, self.reader.stream.info.duration, self.reader.stalled_for()))

    def _check_reader(self) -> None:
        if self.reader.error is not None:
            raise self.reader.error


@dataclass(frozen=True, slots=True)
class _Ready:
    batch: Batch
    windows: "tuple[Future[Window], ...]"
    room: int
    """What it takes of the room that all runs share."""


@dataclass(frozen=True, slots=True)
class _Asked:
    ready: _Ready
    tongues: Tongues
    requests: Sequence[Request]
    language: LanguageGuess
    found: "Sequence[Future[Text]]"


class _Reader:
    """What runs ahead: a thread that pulls, finds speech and cuts, and the workshop, which makes features."""

    def __init__(
        self,
        stream: Stream,
        door: Door,
        workshop: Workshop,
        resume: Sequence[Chunk],
        cutter: Callable[..., Iterator[Batch]],
        beside: Beside | None,
    ) -> None:
        self.stream = stream
        self.beside = beside
        self.ready: queue.Queue[_Ready | None] = queue.Queue(1)
        """Batches in order, then None."""
        self.stopped = threading.Event()
        self.stirred = threading.Event()
        """Set whenever there may be something new for the run."""
        self.error: BaseException | None = None
        self._door = door
        self._workshop = workshop
        self._cutter = cutter
        self._start = round(resume[-1].end * SAMPLE_RATE) if resume else 0
        self._index = len(resume)
        self._samples = 0
        self._moved_at = time.monotonic()
        self._lock = threading.Lock()
        self._room = 0
        self._unfinished = 0
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)

    @property
    def duration(self) -> float:
        return self._samples / SAMPLE_RATE

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the threads, whatever they are doing, and close the stream."""
        self.stopped.set()
        self.stream.close()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
        with self._lock:
            room, self._room = self._room, 0
        self._workshop.give_back(room)

    def done(self, room: int) -> None:
        """A batch has become a chunk: its windows are gone."""
        with self._lock:
            self._unfinished -= 1
            self._room -= room
        self._workshop.give_back(room)
        self.moved()

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def stalled_for(self) -> float:
        return round(time.monotonic() - self._moved_at, 1)

    def _read(self) -> None:
        try:
            cut = self._cutter(
                self._blocks(),
                batch_windows=self._door.recognizer.batch_windows,
                start=self._start,
                index=self._index,
            )
            while True:
                room = self._make_room()
                batch = next(cut, None)
                if batch is None:
                    break
                windows = tuple(self._workshop.features.submit(self._prepare, window) for window in batch.windows)
                for window in windows:
                    window.add_done_callback(lambda _: self.stirred.set())
                self._put(_Ready(batch, windows, room))
                del batch, windows
        except BaseException as error:
            self.error = error
            self.stirred.set()
        with contextlib.suppress(Cancelled):
            self._put(None)

    def _make_room(self) -> int:
        """The only batch of a run needs none: every run can always go on."""
        with self._lock:
            self._unfinished += 1
        room = self._workshop.take(
            self._door.recognizer.batch_windows,
            self._door.priority,
            given_up=self.stopped.is_set,
            needless=lambda: self._unfinished == 1,
        )
        with self._lock:
            self._room += room
        return room

    def _blocks(self) -> Iterator[npt.NDArray[np.int16]]:
        for block in self.stream:
            if self.stopped.is_set():
                raise Cancelled
            self._samples += len(block)
            self.moved()
            if self.beside is not None:
                self.beside.hear(block, self.moved)
            yield block
        if self.beside is not None:
            self.beside.end(self.moved)

    def _put(self, ready: _Ready | None) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.ready.put(ready, timeout=0.1)
                self.stirred.set()
                return
        raise Cancelled

    def _prepare(self, window: Window) -> Window:
        recognizer = self._door.recognizer
        if self.stopped.is_set():
            raise Cancelled
        return recognizer.prepare(window) if isinstance(recognizer, Prepares) else window
