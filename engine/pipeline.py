"""The stages in order: decode, find speech, cut, features, then language and words in turn with other jobs.

Everything up to the features runs ahead in threads of its own, as far as two batches; the recogniser is only called
through `submit`.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from engine.asr import Ear, Texts
from engine.errors import Cancelled
from engine.keywords import Vocabulary
from engine.language import among, check_languages, detect, settled_language, summed_up
from engine.protocols import LanguageGuess, Prepares, Recognizer, Request, Window
from engine.quality import MISSED, coverage
from engine.scheduler import Submit
from engine.snr import dropped_notice, snr_db, together, too_noisy
from engine.types import SAMPLE_RATE, Chunk, Event, MediaInfo, Notice, Options, Progress, Transcript
from engine.vad import total
from engine.windows import Batch, batches

T = TypeVar("T")
TICK = 0.5
"""Seconds between two Progress events while nothing else happens."""
AHEAD = 2
"""Batches made ready while one is being recognised."""
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
    recognizer: Recognizer,
    options: Options,
    *,
    submit: Submit,
    on_event: Callable[[Event], None],
    resume: Sequence[Chunk] = (),
) -> Transcript:
    """Transcribe `stream` and close it. `resume` holds the chunks of an earlier run over the same audio and options.

    What `on_event` raises aborts the run and comes out of here. Raises EngineError.
    """
    reader = _Reader(stream, recognizer, resume)
    try:
        check_languages(options, recognizer)
        reader.start()
        return _Run(reader, recognizer, options, submit, on_event, list(resume)).to_the_end()
    finally:
        reader.stop()


class _Run:
    """The calling thread's side."""

    def __init__(
        self,
        reader: "_Reader",
        recognizer: Recognizer,
        options: Options,
        submit: Submit,
        on_event: Callable[[Event], None],
        chunks: list[Chunk],
    ) -> None:
        self.reader, self.recognizer, self.options = reader, recognizer, options
        self.submit, self.on_event, self.chunks = submit, on_event, chunks
        self.language = settled_language(options, recognizer, chunks)
        self.ear = Ear(recognizer, options, reader.stopped.is_set, Vocabulary(options.keywords))
        self.held: list[_Ready] = []

    def to_the_end(self) -> Transcript:
        self._tick()
        while ready := self._next():
            chunk = self._chunk(ready)
            self.chunks.append(chunk)
            self.reader.moved()
            self.on_event(chunk)
            self._tick()
        stream, least = self.reader.stream, self.options.min_snr_db
        return assemble(self.chunks, self.recognizer.model, self.reader.duration, stream.warnings, min_snr_db=least)

    def _chunk(self, ready: "_Ready") -> Chunk:
        if too_noisy(ready.batch.levels, self.options.min_snr_db):
            return self.ear.dropped(ready.batch, self.language or LanguageGuess(None, 0.0))
        windows = self._windows(ready)
        if self.language is None and windows:
            self.language = detect(windows, self._more_windows, self._listen)
            if self.options.code_switching:
                self.language = replace(self.language, source="per_segment")
        language = self.language or LanguageGuess(None, 0.0)
        tongues = self.ear.tongues(ready.batch, windows, language, self._listen_to_each)
        requests = self.ear.requests(tongues)
        found = self._recognize(tongues.windows, requests) if requests else []
        if self.language is not None:
            self.language = replace(self.language, calls=0, candidates=())
        return self.ear.transcribe(ready.batch, tongues, requests, found, language, self._in_turn)

    def _next(self) -> "_Ready | None":
        return self.held.pop(0) if self.held else self._pull()

    def _pull(self) -> "_Ready | None":
        while True:
            with contextlib.suppress(queue.Empty):
                ready = self.reader.ready.get(timeout=TICK)
                self._check_reader()
                return ready
            self._tick()

    def _windows(self, ready: "_Ready") -> list[Window]:
        return [self._wait(window) for window in ready.windows]

    def _more_windows(self) -> list[Window]:
        ready = self._pull()
        if ready is None:
            self.reader.ready.put(None)
            return []
        self.held.append(ready)
        return [] if too_noisy(ready.batch.levels, self.options.min_snr_db) else self._windows(ready)

    def _listen(self, windows: Sequence[Window]) -> LanguageGuess:
        return among(self._in_turn(lambda: self.recognizer.detect_language(windows)), self.options.languages)

    def _listen_to_each(self, windows: Sequence[Window]) -> list[LanguageGuess]:
        return [self._listen([window]) for window in windows]

    def _recognize(self, windows: Sequence[Window], requests: Sequence[Request]) -> Texts:
        return self._in_turn(lambda: self.recognizer.recognize(windows, requests, self.reader.stopped.is_set))

    def _in_turn(self, call: Callable[[], T]) -> T:
        began = threading.Event()

        def in_turn() -> T:
            began.set()
            if self.reader.stopped.is_set():
                raise Cancelled
            return call()

        future = self.submit(in_turn)
        try:
            return self._wait(future, began)
        except BaseException:
            self.reader.stopped.set()
            if not future.cancel():
                wait([future], timeout=PATIENCE)
            raise

    def _wait(self, future: "Future[T]", began: threading.Event | None = None) -> T:
        while not wait([future], timeout=TICK).done:
            if began is not None and not began.is_set():
                self.reader.moved()  # waiting for its turn is not standing still
            self._tick()
        return future.result()

    def _tick(self) -> None:
        self._check_reader()
        done = self.chunks[-1].end if self.chunks else 0.0
        self.on_event(Progress("transcribing", done, self.reader.stream.info.duration, self.reader.stalled_for()))

    def _check_reader(self) -> None:
        if self.reader.error is not None:
            raise self.reader.error


@dataclass(frozen=True, slots=True)
class _Ready:
    batch: Batch
    windows: tuple["Future[Window]", ...]


class _Reader:
    """The threads that run ahead: one pulls, finds speech and cuts, one makes features."""

    def __init__(self, stream: Stream, recognizer: Recognizer, resume: Sequence[Chunk]) -> None:
        self.stream = stream
        self.ready: queue.Queue[_Ready | None] = queue.Queue(AHEAD)
        """Batches in order, then None."""
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self._recognizer = recognizer
        self._start = round(resume[-1].end * SAMPLE_RATE) if resume else 0
        self._index = len(resume)
        self._samples = 0
        self._moved_at = time.monotonic()
        self._features = ThreadPoolExecutor(1, thread_name_prefix="features")
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
        self._features.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def stalled_for(self) -> float:
        return round(time.monotonic() - self._moved_at, 1)

    def _read(self) -> None:
        try:
            cut = batches(
                self._blocks(), batch_windows=self._recognizer.batch_windows, start=self._start, index=self._index
            )
            for batch in cut:
                self._put(_Ready(batch, tuple(self._features.submit(self._prepare, w) for w in batch.windows)))
        except BaseException as error:
            self.error = error
        with contextlib.suppress(_Stopped):
            self._put(None)

    def _blocks(self) -> Iterator[npt.NDArray[np.int16]]:
        for block in self.stream:
            if self.stopped.is_set():
                raise _Stopped
            self._samples += len(block)
            self.moved()
            yield block

    def _put(self, ready: _Ready | None) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                return self.ready.put(ready, timeout=0.1)
        raise _Stopped

    def _prepare(self, window: Window) -> Window:
        return self._recognizer.prepare(window) if isinstance(self._recognizer, Prepares) else window


class _Stopped(Exception):
    pass


def assemble(
    chunks: Sequence[Chunk],
    model: str,
    duration: float,
    warnings: Sequence[Notice] = (),
    *,
    min_snr_db: float | None = None,
) -> Transcript:
    """The whole from its chunks; a pure function of them."""
    segments = tuple(segment for chunk in chunks for segment in chunk.segments)
    speech = [span for chunk in chunks for span in chunk.speech]
    language, probability, detection = summed_up(chunks, segments)
    notices = list(warnings)
    dropped = None if min_snr_db is None else dropped_notice(chunks, min_snr_db)
    if dropped:
        notices.append(dropped)
    elif not segments:
        notices.append(_nothing_said(total(speech)))
    return Transcript(
        text=" ".join(segment.text for segment in segments),
        language=language,
        language_probability=probability,
        duration=duration,
        segments=segments,
        model=model,
        coverage=round(coverage(segments, speech), 4),
        suspect_spans=tuple(span for chunk in chunks for span in chunk.suspect),
        warnings=tuple(notices),
        snr_db=snr_db(together(chunk.levels for chunk in chunks)),
        detection=detection,
    )


def _nothing_said(speech_seconds: float) -> Notice:
    if speech_seconds < MISSED:
        return Notice("no_speech_detected", "No speech was found in this audio, so there is no text.")
    return Notice(
        "no_speech_detected",
        f"About {speech_seconds:.0f} s sound like speech, but no words could be made out, so there is no text.",
    )
