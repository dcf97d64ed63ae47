"""An engine that says what a test tells it to, behind the real gateway."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.text.types import Answer, Extraction, Line, Style, TextModels
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
    Turn,
    Word,
)
from tests.engine.text_stand_in import TextStandIn

Script = Callable[[Callable[[Event], None], int], None]
"""Called with `on_event` and the number of chunks to resume behind."""


def chunk(index: int) -> Chunk:
    """Chunk N covers the ten seconds from 10 N."""
    start, end = index * 10.0, index * 10.0 + 10.0
    words = (Word("chunk", start, start + 1, 0.9), Word(str(index), start + 1, start + 2, 0.8))
    segment = Segment(start, end, f"chunk {index}", words, language="en", avg_logprob=-0.2, tokens=(1, 2))
    return Chunk(index, start, end, (segment,), (Span(start, end),), "en", 0.99)


def progress(done: float, phase: str = "transcribing", stalled_for: float = 0.0) -> Progress:
    return Progress(phase, done, None, stalled_for)  # type: ignore[arg-type]


def extracted(what: Extraction, lines: Sequence[Line]) -> Answer:
    first = lines[0]
    point = {"text": first.text, "line": 0, "start": first.start, "speaker": first.speaker}
    section = {"title": "Points", "points": [point]}
    card = {"question": "What is said?", "answer": first.text, "line": 0, "start": first.start}
    found: dict[str, Any] = {
        "summary": {"summary": first.text, "points": [point]},
        "sentiment": {"label": "neutral", "score": 0.0},
        "topics": [{"topic": first.text.split()[0], "weight": 1.0}],
        "entities": [{"text": first.text.split()[0], "label": "PERSON", "start": 0, "end": len(first.text.split()[0])}],
        "pii_redact": {"redacted_text": "[EMAIL]", "entities": [{"label": "EMAIL", "start": 0, "end": 7}]},
        "chapter_markers": [{"title": "Opening", "start": first.start, "end": lines[-1].end, "line": 0}],
        "meeting_notes": {"sections": [section]},
        "show_notes": {"sections": [section]},
        "flashcards": [card],
        "quiz": [{**card, "options": [first.text, "Something else"]}],
    }
    answer: Answer = found.get(what, [point])
    return answer


@dataclass
class StandInEngine(TextStandIn):
    """Transcribes `chunks` chunks of ten seconds, calling `script` where one is set, and before the answer."""

    info: MediaInfo = field(default_factory=lambda: MediaInfo("wav", "pcm_s16le", 30.0, 16000, 1, False))
    chunks: int = 3
    script: Script | None = None
    probe_error: Exception | None = None
    playback_error: Exception | None = None
    voice_error: Exception | None = None
    diarizer: str | None = None
    text: TextModels = field(default_factory=lambda: TextModels("stand-in"))
    label_error: Exception | None = None
    extracted: list[str] = field(default_factory=list)
    resumed_with: list[int] = field(default_factory=list)
    options: list[Options] = field(default_factory=list)

    def probe(self, source: Path) -> MediaInfo:
        assert source.is_file()
        if self.probe_error:
            raise self.probe_error
        return self.info

    def transcribe(
        self, source: Path, options: Options, *, on_event: Callable[[Event], None], resume: Sequence[Chunk] = ()
    ) -> Transcript:
        assert source.is_file()
        self.resumed_with.append(len(resume))
        self.options.append(options)
        if self.script:
            self.script(on_event, len(resume))
        done = list(resume)
        for index in range(len(resume), self.chunks):
            done.append(chunk(index))
            on_event(done[-1])
        segments = tuple(segment for part in done for segment in part.segments)
        text = " ".join(segment.text for segment in segments)
        whole = Transcript(text, "en", 0.99, self.chunks * 10.0, segments, "stand-in", coverage=1.0)
        return self._labelled(whole, options) if options.diarize else whole

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        assert source.is_file()
        self.options.append(options)
        if self.label_error:
            raise self.label_error
        return self._labelled(transcript, options)

    def _labelled(self, whole: Transcript, options: Options) -> Transcript:
        """Every segment is another voice's, up to as many as are asked for."""
        if self.diarizer is None:
            warning = Notice("speaker_labels_unavailable", "Nothing for it is installed.")
            return replace(whole, warnings=(*whole.warnings, warning))
        names = [f"Speaker {at % (options.speakers or 1) + 1}" for at in range(len(whole.segments))]
        pairs = list(zip(whole.segments, names, strict=True))
        return replace(
            whole,
            segments=tuple(replace(segment, speaker=name) for segment, name in pairs),
            speakers=tuple(dict.fromkeys(names)),
            turns=tuple(Turn(segment.start, segment.end, name) for segment, name in pairs),
        )

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        assert source.is_file()
        if self.playback_error:
            raise self.playback_error
        destination.write_bytes(b"m4a")
        return Playback(30.0, b"\x00\xff")

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        beat()
        destination.write_bytes(source.read_bytes())
        return Enhanced(30.0, 16000)

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        beat()
        destination.write_text(f"{cover} {list(stretches)}")
        return Enhanced(30.0, 24000)

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        beat()
        if self.voice_error:
            raise self.voice_error
        destination.write_bytes(text.encode())
        return Spoken(1.5, 24000)

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Of everything, the first line."""
        self.extracted.append(what)
        return extracted(what, lines)

    def status(self) -> EngineStatus:
        models = (ModelStatus("small", True, True), ModelStatus("medium", False, False))
        return EngineStatus("small", False, "cpu", None, None, "full", models, diarizer=self.diarizer, text=self.text)

    def close(self) -> None: ...
