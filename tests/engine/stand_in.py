"""An engine that does what the file it is given says; alone, a process that serves it: `python -m … SOCKET`."""

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import MediaError, ModelUnavailable, OutOfMemory, UnsupportedLanguage
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    ModelStatus,
    Notice,
    Options,
    Playback,
    Progress,
    Segment,
    Span,
    Spoken,
    Transcript,
    Word,
)
from tests.engine.text_stand_in import TextStandIn

FAILURES: dict[str, Exception] = {
    "media": MediaError("no_audio_stream"),
    "model": ModelUnavailable("unknown_model", "There is no such model."),
    "language": UnsupportedLanguage("unsupported_language", "English only."),
    "memory": OutOfMemory("out_of_memory", "It did not fit."),
    "defect": LookupError("a defect"),
    "system": FileNotFoundError("a file that went away"),
}


def chunk(index: int) -> Chunk:
    start = index * 30 + 0.1 + 0.2  # a float that no short decimal can say
    word = Word("señor\n", start, start + 1 / 3, 2 / 3)
    segment = Segment(start, start + 1.1, f'chunk {index} "ñ" \u2028', (word,), language="es", tokens=(1, 2, index))
    return Chunk(index, start, start + 30, (segment,), (Span(start, start + 1.1),), "es", 0.1 * 3, (Span(1.0, 2.0),))


class StandIn(TextStandIn):
    def __init__(self) -> None:
        self.began = threading.Event()
        self.ended = threading.Event()
        self.go_on = threading.Event()

    def probe(self, source: Path) -> MediaInfo:
        self._fail_if_told(source.read_text())
        return MediaInfo("wav", "pcm_s16le", None, 16000, 2, has_video=False)

    def transcribe(
        self, source: Path, options: Options, *, on_event: Callable[[Event], None], resume: Sequence[Chunk] = ()
    ) -> Transcript:
        """The words of the file: how many chunks there are, and what happens before they come."""
        self.began.set()
        try:
            count, *script = source.read_text().split()
            for word in script:
                self._do(word, on_event)
            chunks = list(resume)
            for index in range(len(chunks), int(count)):
                chunks.append(chunk(index))
                on_event(chunks[-1])
                on_event(Progress("transcribing", chunks[-1].end, None, stalled_for=0.1))
            return self._transcript(chunks, options)
        finally:
            self.ended.set()

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        self.began.set()
        try:
            self._do(source.read_text().split()[-1], lambda event: beat())
        finally:
            self.ended.set()
        destination.write_bytes(b"aac")
        return Playback(0.1 + 0.2, bytes(range(256)))

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        self._do(source.read_text().split()[-1], lambda event: beat())
        voices = tuple(f"Speaker {number + 1}" for number in range(options.speakers or 1))
        return replace(transcript, speakers=voices)

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        self._do(source.read_text().split()[-1], lambda event: beat())
        destination.write_bytes(b"wav")
        return Enhanced(0.1 + 0.2, 48_000)

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        return self.enhance(source, destination, beat)

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        self._do(reference.read_text().split()[-1], lambda event: beat())
        destination.write_bytes(text.encode())
        return Spoken(0.1 + 0.2, 24_000)

    def status(self) -> EngineStatus:
        models = (ModelStatus("small", True, False), ModelStatus("tiny", False, False, 1 / 3))
        return EngineStatus("small", False, "cpu", None, None, "full", models, 3)

    def close(self) -> None: ...

    def _do(self, word: str, on_event: Callable[[Event], None]) -> None:
        self._fail_if_told(word)
        if word == "silence":
            self.go_on.wait(20)
        while word == "endless":
            on_event(Progress("transcribing", 0.0, None))
            threading.Event().wait(0.01)

    def _fail_if_told(self, word: str) -> None:
        if word in FAILURES:
            raise FAILURES[word]

    def _transcript(self, chunks: list[Chunk], options: Options) -> Transcript:
        segments = tuple(segment for one in chunks for segment in one.segments)
        text = " ".join(segment.text for segment in segments)
        notices = (Notice("told", f"{options}"),)
        return Transcript(text, "es", 0.7 / 3, 1e-9, segments, "small", ("Speaker 1",), 0.5, (Span(1, 2),), notices)


if __name__ == "__main__":
    from engine.server import serve_engine

    serve_engine(Path(sys.argv[1]), StandIn())
