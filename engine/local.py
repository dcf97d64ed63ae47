"""The engine in this process: decoder, models and scheduler behind one face."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, ParamSpec

from engine import hardware, known_speakers, pipeline
from engine.align import with_speakers
from engine.audio import Decoder, PcmStream
from engine.catalog import EMBEDDED
from engine.config import EngineConfig
from engine.diarize import FAILED, UNAVAILABLE, Beside, hints
from engine.diarizers import diarizer
from engine.errors import BadReference, EngineError, MediaError, Overloaded
from engine.faults import engine_fault
from engine.language import check_languages, settled_language
from engine.playback import make_playback
from engine.protocols import Live, Vectors, Voice
from engine.scheduler import Scheduler
from engine.speech.enhance import enhance
from engine.speech.mask import mask
from engine.speech.tts import Speaker
from engine.store import ModelStore, OnWait
from engine.streaming.ears import Ears, ears_for
from engine.streaming.events import LiveEvent, LiveOptions, Opened
from engine.streaming.load import Load
from engine.streaming.session import Session
from engine.text.desk import TextDesk
from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    Notice,
    Options,
    Phase,
    Playback,
    Priority,
    Progress,
    Spoken,
    Transcript,
)
from engine.waiting import in_thread, wait_beating
from engine.workshop import Workshop

P = ParamSpec("P")

EMBEDDED_ANSWERED = Notice(
    "embedded_model",
    "This text comes from the small built-in English recogniser, which makes many mistakes. "
    "Fetch a Whisper model for a far better one: python manage.py models fetch small",
)


class LocalEngine:
    """Thread-safe: calls from many threads share the models and take turns on the device."""

    def __init__(self, config: EngineConfig) -> None:
        """Raises ValueError if the configuration names what is not there."""
        self._config = config
        self._hardware = hardware.detect(config.device)
        self.store = ModelStore(config)
        self._scheduler = Scheduler(hardware.lanes(config))
        self._workshop = Workshop(hardware.feature_threads(config), hardware.windows_ahead(config))
        self._decoder = Decoder(config)
        self._guard = threading.Lock()
        self._running = 0
        self._load = Load()
        self._diarizer = diarizer(config)
        self._speaker = Speaker(config, self._decoder)
        self._text = TextDesk(config, self.store, self._scheduler)

    def probe(self, source: Path) -> MediaInfo:
        with _faults():
            return self._decoder.probe(source)

    def transcribe(
        self,
        source: Path,
        options: Options,
        *,
        on_event: Callable[[Event], None],
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        caller = _Caller(on_event)
        with _faults(caller), self._counted():
            return self._transcribe(source, options, caller, resume)

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        caller = _Caller(beat)
        with _faults(caller):
            return make_playback(self._decoder, source, destination, caller)

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        caller = _Caller(beat)
        with _faults(caller):
            return enhance(self._decoder, source, destination, caller)

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        caller = _Caller(beat)
        with _faults(caller):
            return mask(self._decoder, source, destination, stretches, cover, caller)

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        caller = _Caller(beat)
        with _faults(caller):
            return self._speaker.speak(self, reference, text, destination, caller)

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        caller = _Caller(beat)
        with _faults(caller):
            return self._label_speakers(source, transcript, options, caller)

    def embed(
        self, texts: Sequence[str], *, priority: Priority = "interactive", beat: Callable[[], None] = lambda: None
    ) -> Vectors:
        caller = _Caller(beat)
        with _faults(caller), self._counted():
            return self._text.embed(texts, priority, caller)

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Answer:
        caller = _Caller(beat)
        with _faults(caller), self._counted():
            return self._text.extract(what, lines, style, language, caller)

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> Generator[str, None, bool]:
        caller = _Caller(beat)
        with _faults(caller), self._counted():
            return (yield from self._text.write(messages, most_tokens, temperature, stop, caller))

    def translate(
        self, texts: Sequence[str], source: str | None, target: str, *, beat: Callable[[], None] = lambda: None
    ) -> list[str]:
        caller = _Caller(beat)
        with _faults(caller), self._counted():
            return self._text.translate(texts, source, target, caller)

    def listen(self, options: LiveOptions, emit: Callable[[LiveEvent], None]) -> Live:
        return Session(self._listening(options, emit), emit, self._load)

    def status(self) -> EngineStatus:
        default_model, embedded = self.store.default()
        return EngineStatus(
            default_model=default_model,
            embedded=embedded,
            device=self._hardware.device,
            gpu_name=self._hardware.gpu_name,
            gpu_memory_mb=self._hardware.gpu_memory_mb,
            sandbox=self._decoder.sandbox,
            models=self.store.statuses(),
            queued=self._scheduler.waiting(),
            running=self._running,
            live=self._load.sessions,
            live_room=not self._load.full,
            diarizer=self._diarizer.name if self._diarizer else None,
            text=self._text.models(),
        )

    def warm(self) -> None:
        """Make the first request as fast as the second, in the background."""
        self.store.warm()

    def close(self) -> None:
        self._scheduler.close(timeout=1.0)
        self._workshop.close()
        if self._diarizer is not None:
            self._diarizer.close()
        self.store.close()
        self._decoder.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._guard:
            self._running += 1
        try:
            yield
        finally:
            with self._guard:
                self._running -= 1

    @contextmanager
    def _listening(self, options: LiveOptions, emit: Callable[[LiveEvent], None]) -> Iterator[Ears]:
        if self._load.full:
            raise Overloaded
        with (
            _faults(),
            self._load.session(),
            self._scheduler.with_live(),
            self.store.use(options.model, on_wait=lambda phase, share: None) as recognizer,
        ):
            check_languages(Options(language=options.language, languages=options.languages), recognizer)
            known = settled_language(Options(language=options.language, languages=options.languages), recognizer, ())
            options = replace(options, language=known.language if known else None)
            ears = ears_for(recognizer, self._scheduler, options)
            emit(Opened(recognizer.model, options.language, recognizer.model == EMBEDDED))
            try:
                yield ears
            finally:
                ears.leave()

    def _transcribe(
        self, source: Path, options: Options, caller: Callable[[Event], None], resume: Sequence[Chunk]
    ) -> Transcript:
        waiting = _progress(caller, resume)
        if not self.store.ready(options.model, options.task):
            # Nobody should wait for a model to hear that the file is none.
            wait_beating(in_thread(lambda: self._decoder.probe(source), "probe"), lambda: waiting("waiting", None))
        voices = self._voices(options, lambda: waiting("waiting", None))
        with (
            self.store.use(options.model, task=options.task, on_wait=waiting) as recognizer,
            self._open(source, options, lambda: waiting("transcribing", None)) as stream,
        ):
            door = self._scheduler.door(recognizer, options.priority, tenant=options.tenant)
            beside = self._beside(options, voices)
            transcript = pipeline.run(
                stream, options, door=door, workshop=self._workshop, on_event=caller, resume=resume, beside=beside
            )
            told = () if beside or not _wants_speakers(options) else (UNAVAILABLE,)
            honest = (EMBEDDED_ANSWERED,) if recognizer.model == EMBEDDED else ()
            return replace(transcript, warnings=(*transcript.warnings, *told, *honest))

    def _label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None]
    ) -> Transcript:
        if (beside := self._beside(options, self._voices(options, beat))) is None:
            raise EngineError(UNAVAILABLE.code, UNAVAILABLE.message)
        try:
            with self._open(source, options, beat) as stream:
                for block in stream:
                    beat()
                    beside.hear(block, beat)
            beside.end(beat)
            found = wait_beating(beside.outcome, beat)
        except MediaError:
            raise
        except EngineError as error:
            raise EngineError(FAILED.code, FAILED.message) from error
        finally:
            beside.close()
        return with_speakers(transcript, found.turns, found.exclusive)

    def _voices(self, options: Options, beat: Callable[[], None]) -> tuple[Voice, ...]:
        """Raises BadReference."""
        if options.known_speakers and options.channels == "speakers":
            raise BadReference(
                "Reference recordings are compared with voices, and here each channel is a speaker. Send either the "
                "recordings or channels=speakers, not both. Nothing was transcribed."
            )
        wanted = options.known_speakers if self._diarizer and _wants_speakers(options) else ()
        return known_speakers.hear(self._decoder, wanted, beat)

    def _beside(self, options: Options, voices: tuple[Voice, ...]) -> Beside | None:
        if self._diarizer is None or not _wants_speakers(options):
            return None
        return Beside(self._diarizer, replace(hints(options), voices=voices))

    def _open(self, source: Path, options: Options, beat: Callable[[], None]) -> PcmStream:
        """A hostile file can keep a decoder busy for a minute: `beat` is called meanwhile, and may raise."""
        limit = self._config.max_decoded_seconds
        wanted = limit if options.max_seconds is None else min(options.max_seconds, limit)
        separate = options.channels == "speakers"
        opening = in_thread(lambda: self._decoder.open(source, max_seconds=wanted, separate=separate), "open")
        try:
            return wait_beating(opening, beat)
        except BaseException:
            opening.add_done_callback(_close_unwanted)
            raise


class _Caller(Generic[P]):
    """The caller's own exceptions go back to it as they are; everything else that breaks is a fault of the engine."""

    def __init__(self, callback: Callable[P, None]) -> None:
        self._callback = callback
        self.raised: BaseException | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            self._callback(*args, **kwargs)
        except BaseException as error:
            self.raised = error
            raise


def _wants_speakers(options: Options) -> bool:
    return options.diarize and options.channels == "mix"


def _close_unwanted(opening: "Future[PcmStream]") -> None:
    if opening.exception() is None:
        opening.result().close()


@contextmanager
def _faults(caller: _Caller[Any] | None = None) -> Iterator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if caller is not None and error is caller.raised:
            raise
        raise engine_fault(error) from error


def _progress(caller: Callable[[Event], None], resume: Sequence[Chunk]) -> OnWait:
    done = resume[-1].end if resume else 0.0
    seen: tuple[Phase, float | None] | None = None
    since = time.monotonic()

    def tell(phase: Phase, share: float | None) -> None:
        nonlocal seen, since
        if (phase, share) != seen:
            seen, since = (phase, share), time.monotonic()
        caller(Progress(phase, done, None, stalled_for=time.monotonic() - since))

    return tell
