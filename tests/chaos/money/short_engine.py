"""An engine that takes a tenth of a second for half a second of audio and says words that follow from the file's bytes.

Behind the real server, socket and client of the engine; only the listening is not real. So a kill costs what it costs,
and a thousand of them fit into the time that a few starts of a model take.
"""

import hashlib
import math
import threading
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import MediaError, VoiceUnavailable
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    ModelStatus,
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

PIECE_SECONDS = 0.5
WORK_SECONDS = 0.1
"""For a piece."""
MODEL = "small"


def text_of(recording: bytes, pieces: int) -> str:
    name = hashlib.sha256(recording).hexdigest()[:8]
    return " ".join(f"{name} {index}" for index in range(pieces))


def pieces_in(seconds: float) -> int:
    return max(1, math.ceil(seconds / PIECE_SECONDS))


class ShortEngine(TextStandIn):
    def probe(self, source: Path) -> MediaInfo:
        seconds, rate, channels = _header(source)
        return MediaInfo("wav", "pcm_s16le", seconds, rate, channels, has_video=False)

    def transcribe(
        self, source: Path, options: Options, *, on_event: Callable[[Event], None], resume: Sequence[Chunk] = ()
    ) -> Transcript:
        seconds = _header(source)[0]
        said = text_of(source.read_bytes(), pieces_in(seconds)).split()
        chunks = list(resume)
        for index in range(len(chunks), pieces_in(seconds)):
            on_event(Progress("transcribing", index * PIECE_SECONDS, seconds))
            threading.Event().wait(WORK_SECONDS)
            chunks.append(_chunk(index, " ".join(said[2 * index : 2 * index + 2])))
            on_event(chunks[-1])
        segments = tuple(segment for chunk in chunks for segment in chunk.segments)
        return Transcript(" ".join(each.text for each in segments), "en", 1.0, seconds, segments, MODEL)

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        beat()
        destination.write_bytes(b"m4a")
        return Playback(_header(source)[0], bytes(8))

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        return transcript

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        raise MediaError("decode_failed")

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        raise MediaError("decode_failed")

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        raise VoiceUnavailable("It does not speak.")

    def status(self) -> EngineStatus:
        return EngineStatus(MODEL, False, "cpu", None, None, "full", (ModelStatus(MODEL, True, True),))

    def close(self) -> None: ...


def _header(source: Path) -> tuple[float, int, int]:
    with wave.open(str(source)) as clip:
        return clip.getnframes() / clip.getframerate(), clip.getframerate(), clip.getnchannels()


def _chunk(index: int, text: str) -> Chunk:
    start = index * PIECE_SECONDS
    end = start + PIECE_SECONDS
    segment = Segment(start, end, text, (Word(text, start, end, 0.9),), language="en", chunk=index)
    return Chunk(index, start, end, (segment,), (Span(start, end),), "en", 1.0)
