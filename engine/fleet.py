"""Several engine processes, one an accelerator, with the face of one."""

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.client import EngineClient
from engine.errors import EngineGone
from engine.protocols import Engine, Vectors
from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    Options,
    Playback,
    Priority,
    Spoken,
    Transcript,
)

T = TypeVar("T")


class EngineFleet:
    """Every call goes to the engine with the least to do; one that does not answer is passed over.

    Raises EngineGone where none answers, and where the chosen one dies at its work: the next try goes to another.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    def probe(self, source: Path) -> MediaInfo:
        return self._first_that_answers(lambda engine: engine.probe(source))

    def transcribe(
        self,
        source: Path,
        options: Options,
        *,
        on_event: Callable[[Event], None],
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        _, engine = self._least_busy()
        return engine.transcribe(source, options, on_event=on_event, resume=resume)

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        _, engine = self._least_busy()
        return engine.make_playback(source, destination, beat)

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        _, engine = self._least_busy()
        return engine.label_speakers(source, transcript, options, beat)

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        _, engine = self._least_busy()
        return engine.enhance(source, destination, beat)

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        _, engine = self._least_busy()
        return engine.mask(source, destination, stretches, cover, beat)

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        _, engine = self._least_busy()
        return engine.speak(reference, text, destination, beat)

    def embed(
        self, texts: Sequence[str], *, priority: Priority = "interactive", beat: Callable[[], None] = lambda: None
    ) -> Vectors:
        _, engine = self._least_busy()
        return engine.embed(texts, priority=priority, beat=beat)

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Answer:
        _, engine = self._least_busy()
        return engine.extract(what, lines, style=style, language=language, beat=beat)

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> Generator[str, None, bool]:
        _, engine = self._least_busy()
        return (
            yield from engine.write(messages, most_tokens=most_tokens, temperature=temperature, stop=stop, beat=beat)
        )

    def translate(
        self, texts: Sequence[str], source: str | None, target: str, *, beat: Callable[[], None] = lambda: None
    ) -> list[str]:
        _, engine = self._least_busy()
        return engine.translate(texts, source, target, beat=beat)

    def status(self) -> EngineStatus:
        """What one of them says of itself, with the work and the loaded models of all."""
        statuses = [status for status, _ in self._answering()]
        loaded = {model.id for status in statuses for model in status.models if model.loaded}
        first = statuses[0]
        return replace(
            first,
            models=tuple(replace(model, loaded=model.id in loaded) for model in first.models),
            queued=sum(status.queued for status in statuses),
            running=sum(status.running for status in statuses),
            live=sum(status.live for status in statuses),
            live_room=any(status.live_room for status in statuses),
        )

    def close(self) -> None:
        for engine in self._engines:
            engine.close()

    def _least_busy(self) -> tuple[EngineStatus, Engine]:
        answering = self._answering()
        # Callers in many processes see the same figures: where they are equal each begins elsewhere.
        turn = os.getpid() % len(answering)
        return min(answering[turn:] + answering[:turn], key=lambda one: (one[0].running, one[0].queued))

    def _answering(self) -> list[tuple[EngineStatus, Engine]]:
        found, gone = [], None
        for engine in self._engines:
            try:
                found.append((engine.status(), engine))
            except EngineGone as error:
                gone = error
        if gone is not None and not found:
            raise gone
        return found

    def _first_that_answers(self, ask: Callable[[Engine], T]) -> T:
        *others, last = self._engines
        for engine in others:
            try:
                return ask(engine)
            except EngineGone:
                continue
        return ask(last)


def connect(sockets: Sequence[Path]) -> Engine:
    clients = [EngineClient(socket) for socket in sockets]
    return clients[0] if len(clients) == 1 else EngineFleet(clients)
