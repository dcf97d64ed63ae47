"""The recogniser that is always there: PocketSphinx with the small English model inside its package."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import Cancelled, UnsupportedLanguage
from engine.protocols import LanguageGuess, Request, Window
from engine.types import SAMPLE_RATE, Segment, Span
from engine.vad import SpeechDetector
from engine.windows import quietest
from engine.words import Heard, Scores, to_segments

MODEL = "pocketsphinx-en-us"
FRAME_SECONDS = 0.01
STEP = SAMPLE_RATE // 2
"""Samples between two looks at `cancelled`; the decoder also keeps Python's lock that long."""
UTTERANCE = 10 * SAMPLE_RATE
"""Longer speech is cut at a quiet place: the last pass over an utterance cannot be interrupted."""
PAUSE = 0.5
FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
ALTERNATE = re.compile(r"\(\d+\)$")


class PocketSphinxRecognizer:
    """Each stretch of speech is an utterance of its own; that made fewer errors on real speech than whole windows."""

    model = MODEL
    languages = frozenset({"en"})
    batch_windows = 1
    call_windows = 1

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder
        self._new_decoder()
        SpeechDetector()  # loaded with the model, so that the first run need not

    def kind(self, request: Request) -> None: ...

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        """It cannot tell: English is all it knows, so nothing was measured."""
        return LanguageGuess("en", 0.0)

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        for request in requests:
            _check_language(request)
        return [self._window(window, cancelled) for window in windows]

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        """It has no more careful way; the first text stands."""
        return ()

    def utterance(self) -> "SphinxUtterance":
        return SphinxUtterance(self._new_decoder())

    def _new_decoder(self) -> Any:
        return self._decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def _window(self, window: Window, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        """A fresh decoder a window: what it has adapted to would otherwise depend on the windows before."""
        decoder = self._new_decoder()
        pcm = np.clip(window.samples * 32768.0, -32768, 32767).astype(np.int16)
        heard: list[Heard] = []
        for start, end in _utterances(window, pcm):
            decoder.start_utt()
            for at in range(start, end, STEP):
                if cancelled():
                    raise Cancelled
                decoder.process_raw(pcm[at : min(at + STEP, end)].tobytes())
            decoder.end_utt()
            heard += _words(decoder, start / SAMPLE_RATE, end / SAMPLE_RATE)
        return to_segments(window, heard, _scores(heard), "en", pause=PAUSE)


class SphinxUtterance:
    """A decoder of its own, which goes on with its search as the words come."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._samples = 0
        decoder.start_utt()

    def hear(self, pcm: npt.NDArray[np.int16]) -> str:
        self._samples += len(pcm)
        self._decoder.process_raw(pcm.tobytes())
        hypothesis = self._decoder.hyp()
        words = hypothesis.hypstr.split() if hypothesis else []
        return " ".join(ALTERNATE.sub("", word) for word in words if not FILLER.match(word))

    def end(self) -> tuple[Segment, ...]:
        self._decoder.end_utt()
        seconds = self._samples / SAMPLE_RATE
        heard = list(_words(self._decoder, 0.0, seconds))
        window = Window(np.zeros(self._samples, dtype=np.float32), (Span(0.0, seconds),))
        return to_segments(window, heard, _scores(heard), "en", pause=PAUSE)


def _check_language(request: Request) -> None:
    if request.language not in (None, "en"):
        raise UnsupportedLanguage(
            "unsupported_language",
            f"The built-in recogniser knows English only, not '{request.language}'. Nothing was transcribed. "
            "Fetch a Whisper model for other languages: python manage.py models fetch small",
        )


def _utterances(window: Window, pcm: npt.NDArray[np.int16]) -> Iterator[tuple[int, int]]:
    edges = [0]
    for span in window.spans:
        edges.append(edges[-1] + round((span.end - span.start) * SAMPLE_RATE))
    for start, end in pairwise(edges):
        while end - start > UTTERANCE:
            middle = start + UTTERANCE // 2
            cut = middle + quietest(pcm[middle : start + UTTERANCE])
            yield start, cut
            start = cut
        yield start, end


def _scores(heard: Sequence[Heard]) -> Scores:
    return Scores(sum(math.log(max(word.probability, 1e-4)) for word in heard) / max(1, len(heard)))


def _words(decoder: Any, start: float, end: float) -> Iterator[Heard]:
    """Words of the last utterance, without fillers and without the marks of alternate pronunciations."""
    for segment in decoder.seg() or ():
        if FILLER.match(segment.word):
            continue
        yield Heard(
            " " + ALTERNATE.sub("", segment.word),
            start + segment.start_frame * FRAME_SECONDS,
            min(end, start + (segment.end_frame + 1) * FRAME_SECONDS),
            min(1.0, float(segment.prob)),
        )
