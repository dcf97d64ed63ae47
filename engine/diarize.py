"""Telling speakers apart beside the recognition of words: a thread that listens to the same blocks."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.align import with_speakers
from engine.errors import Cancelled, EngineError
from engine.protocols import Diarizer, Exclusive, Listening, SpeakerHints
from engine.types import Notice, Options, Transcript, Turn
from engine.waiting import in_thread

Block = npt.NDArray[np.int16]

AHEAD = 64
"""Blocks that may wait for a diarizer that is slower than the recogniser; then the reader waits too."""
HANGS = 300.0
"""Seconds after which a diarizer that takes nothing is given up, for the sake of the text."""
GLANCE = 0.1

UNAVAILABLE = Notice(
    "speaker_labels_unavailable",
    "This server cannot tell speakers apart, so the text has no labels. Its operator can install the package "
    "Resemblyzer (requirements-nodeps.txt) or pyannote's weights.",
)
FAILED = Notice(
    "speaker_labels_failed",
    "The speakers could not be told apart, so the text has no labels. The text itself is complete; "
    "the speakers can be tried again without a new transcription.",
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...] = ()


class Beside:
    """One file's listening. The reader calls `hear` and `end`, the run asks `outcome`, whoever gives up `close`."""

    def __init__(self, diarizer: Diarizer, hints: SpeakerHints) -> None:
        self._diarizer, self._hints = diarizer, hints
        self._blocks: queue.Queue[Block | None] = queue.Queue(AHEAD)
        self._closed = threading.Event()
        self._moved_at = time.monotonic()
        self._listening: Listening | None = None
        self.outcome: Future[Found] = in_thread(self._listen, "speakers")

    def hear(self, block: Block, beat: Callable[[], None] = lambda: None) -> None:
        """Waits while the diarizer is far behind, calling `beat`; returns at once when it has failed or was closed."""
        self._put(block, beat)

    def end(self, beat: Callable[[], None] = lambda: None) -> None:
        self._put(None, beat)

    def hangs(self) -> bool:
        return not self.outcome.done() and time.monotonic() - self._moved_at > HANGS

    def close(self) -> None:
        """Ends the thread soon, whatever it is doing."""
        self._closed.set()
        if self._listening is not None:
            in_thread(self._listening.close, "speakers-close")

    def _put(self, block: Block | None, beat: Callable[[], None]) -> None:
        while not (self._closed.is_set() or self.outcome.done() or self.hangs()):
            with contextlib.suppress(queue.Full):
                self._blocks.put(block, timeout=GLANCE)
                return
            beat()

    def _listen(self) -> Found:
        listening = self._listening = self._diarizer.listen(self._hints)
        try:
            while (block := self._next()) is not None:
                listening.hear(block)
                self._moved_at = time.monotonic()
            turns = listening.turns()
            return Found(turns, listening.exclusive_turns() if isinstance(listening, Exclusive) else ())
        finally:
            listening.close()

    def _next(self) -> Block | None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty):
                return self._blocks.get(timeout=GLANCE)
            self._moved_at = time.monotonic()
        raise Cancelled


def hints(options: Options) -> SpeakerHints:
    """Zero and less mean that nothing was said."""
    exactly, least, most = (
        count if count and count > 0 else None
        for count in (options.speakers, options.min_speakers, options.max_speakers)
    )
    if exactly:
        least = most = None
    return SpeakerHints(exactly, least, most, known=options.known_speakers)


def labelled(transcript: Transcript, beside: Beside) -> Transcript:
    """With the speakers that were found; without any, and a word about it, where that failed."""
    try:
        found = beside.outcome.result(timeout=0)
    except Exception as error:
        _log.error("Speakers could not be told apart", exc_info=None if isinstance(error, EngineError) else error)
        return replace(transcript, warnings=(*transcript.warnings, FAILED))
    return with_speakers(transcript, found.turns, found.exclusive)
