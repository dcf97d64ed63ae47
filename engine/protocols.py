"""The seams of the engine: what a caller sees, and what a recogniser has to offer."""

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    Keyword,
    KnownSpeaker,
    LanguageSource,
    MediaInfo,
    Options,
    Playback,
    Priority,
    Segment,
    Span,
    Spoken,
    Task,
    Transcript,
    Turn,
)

if TYPE_CHECKING:
    from engine.streaming.events import LiveEvent, LiveOptions

Samples = npt.NDArray[np.float32]
"""Mono at SAMPLE_RATE, -1..1."""
Vectors = npt.NDArray[np.float32]
FULL_WINDOW = 3000
"""Frames of the features that a Whisper encoder was trained on: 30 s."""


class Engine(Protocol):
    """One interface, two homes: `engine.local.LocalEngine` here, `engine.client.EngineClient` over a socket."""

    def probe(self, source: Path) -> MediaInfo:
        """Read the container's own words about itself. Raises MediaError."""
        ...

    def transcribe(
        self,
        source: Path,
        options: Options,
        *,
        on_event: Callable[[Event], None],
        resume: Sequence[Chunk] = (),
    ) -> Transcript:
        """Run to the end. `resume` holds the chunks 0..n-1 of an earlier run over the same file and options.

        `on_event` is called in this thread at least once a second; what it raises stops the engine's work and
        comes out of here. Raises EngineError.
        """
        ...

    def make_playback(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Playback:
        """Write the browser's copy of `source` to `destination`, which appears complete or not at all.

        `beat` is called while the work goes on; what it raises stops it and comes out of here. Raises MediaError.
        """
        ...

    def label_speakers(
        self, source: Path, transcript: Transcript, options: Options, beat: Callable[[], None] = lambda: None
    ) -> Transcript:
        """`transcript`, which was made of `source`, with its speakers told apart as the options say.

        `beat` is called while the work goes on; what it raises stops it and comes out of here. Raises EngineError:
        `speaker_labels_unavailable` where nobody can, `speaker_labels_failed`.
        """
        ...

    def enhance(self, source: Path, destination: Path, beat: Callable[[], None] = lambda: None) -> Enhanced:
        """Write `source` with less noise and at a usual loudness to `destination`, complete or not at all.

        `beat` is called while the work goes on; what it raises stops it and comes out of here. Raises MediaError.
        """
        ...

    def mask(
        self,
        source: Path,
        destination: Path,
        stretches: Sequence[tuple[float, float]],
        cover: Cover,
        beat: Callable[[], None] = lambda: None,
    ) -> Enhanced:
        """Write `source` to `destination` without what is heard in the stretches, in seconds. As `enhance`."""
        ...

    def speak(self, reference: Path, text: str, destination: Path, beat: Callable[[], None] = lambda: None) -> Spoken:
        """Write `text`, spoken in the voice of `reference` (3 to 10 s), to `destination`, complete or not at all.

        `beat` as above. Raises MediaError, BadReference, and VoiceUnavailable where this server cannot speak.
        """
        ...

    def embed(
        self, texts: Sequence[str], *, priority: Priority = "interactive", beat: Callable[[], None] = lambda: None
    ) -> Vectors:
        """A row of length 1 for each text: the more alike their meaning, the larger the product of two.

        `beat` is called while the work goes on; what it raises stops it and comes out of here. Raises ModelUnavailable.
        """
        ...

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Answer:
        """What the text's own sentences say of it (`engine.text.extract`). `beat` as above. Raises ModelUnavailable."""
        ...

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> Generator[str, None, bool]:
        """The writer's answer as it comes, piece by piece; closing the iterator ends the work. `beat` as above. Returns
        whether the answer was cut off: at `most_tokens`, or where its time was up.

        Raises ModelUnavailable where no writer is installed, and EngineError `text_too_long`.
        """
        ...

    def translate(
        self, texts: Sequence[str], source: str | None, target: str, *, beat: Callable[[], None] = lambda: None
    ) -> list[str]:
        """Each text in the language `target`; `source` None: whatever each is in. `beat` as above.

        Raises ModelUnavailable where no translator is installed, UnsupportedLanguage.
        """
        ...

    def status(self) -> EngineStatus: ...

    def close(self) -> None: ...


@runtime_checkable
class ListensLive(Protocol):
    """An engine that hears streams in this process; others are reached by `engine.streaming.remote`."""

    def listen(self, options: "LiveOptions", emit: Callable[["LiveEvent"], None]) -> "Live":
        """Begin a session; what is wrong with the options, or with this moment, comes out of `Live.run`."""
        ...


class Live(Protocol):
    """One stream's session. `run` does its work; the others may be called from any thread."""

    def run(self) -> None:
        """To the end of the stream. `emit` is called in this thread; what it raises comes out. Raises EngineError."""
        ...

    def push(self, pcm: npt.NDArray[np.int16]) -> None:
        """The next samples, mono at SAMPLE_RATE. Waits while the session is far behind."""
        ...

    def finalize(self, mark: str) -> None:
        """Say everything up to here, then `Finalized(mark)`."""
        ...

    def update(self, options: "LiveOptions") -> None:
        """From the next utterance on."""
        ...

    def stop(self) -> None:
        """No more will come: say what is left, then end."""
        ...

    def close(self) -> None:
        """End at once."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """At most 30 s of audio for one inference: stretches of speech, joined. `spans` are their places in the file."""

    samples: Samples
    spans: tuple[Span, ...]
    features: Samples | None = None
    """What `Prepares.prepare` made of the samples ahead of time."""
    channel: int | None = None
    """Whose words these are, where each channel is transcribed on its own; counts from 0."""
    speech: tuple[Span, ...] = ()
    """Where this channel speaks, then: the batch's speech is that of all of them."""


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """`candidates` are all languages the model knows, best first. `calls`: windows that were listened to for it."""

    language: str | None
    probability: float
    candidates: tuple[tuple[str, float], ...] = ()
    source: LanguageSource = "detected"
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    language: str | None
    task: Task
    prompt: str | None
    word_timestamps: bool
    keywords: tuple[Keyword, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    frames: int = FULL_WINDOW
    """Of the window's features (10 ms each); fewer where the window was shortened."""
    quick: bool = False
    """A first look at an utterance that goes on: the likeliest text alone, without word times."""


class Recognizer(Protocol):
    """One loaded model. Calls come from as many threads at a time as the scheduler has lanes."""

    model: str
    languages: frozenset[str]
    batch_windows: int
    """How many windows of one run make a chunk on this device."""
    call_windows: int
    """At most so many windows are given to one `recognize`. The scheduler lowers it where memory runs out."""

    def kind(self, request: Request) -> Hashable:
        """Windows whose requests are of one kind may share a call."""
        ...

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess: ...

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[tuple[Segment, ...]]:
        """Segments of each window, in the file's own time; each has a request of its own, as windows of many runs
        share a call. A window's text does not depend on the others. May raise Cancelled early."""
        ...

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> tuple[Segment, ...]:
        """A second, more careful try of one window that came out suspect."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A recognizer whose windows need work that can be done before its turn comes, in another thread."""

    def prepare(self, window: Window) -> Window: ...


@runtime_checkable
class Shortens(Protocol):
    """A recognizer that can look at less than a whole window, for less time."""

    def short(self, window: Window) -> Window:
        """The window with features no longer than it needs; `Request.frames` has to say how long."""
        ...


@runtime_checkable
class Rehearses(Protocol):
    """A recognizer that can do its heaviest work before anybody asks for it."""

    def rehearse(self) -> None: ...


@runtime_checkable
class Continues(Protocol):
    """A recognizer that hears an utterance bit by bit and has a hypothesis at any time."""

    def utterance(self) -> "Utterance": ...


class Utterance(Protocol):
    """Called in one thread at a time."""

    def hear(self, pcm: npt.NDArray[np.int16]) -> str:
        """Take what comes next; the text so far."""
        ...

    def end(self) -> tuple[Segment, ...]:
        """The whole text, in seconds from the utterance's first sample. Nothing can be heard after it."""
        ...


@runtime_checkable
class TakesHints(Protocol):
    """A recognizer that heeds prompt, keywords and context while it listens."""

    def has_room_for(self, request: Request) -> bool:
        """Are all hints of the request heeded, or are some left out?"""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """What is spoken in the reference clip of a known speaker."""

    name: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class SpeakerHints:
    """What the caller knows of the voices. `exactly` excludes the other two."""

    exactly: int | None = None
    least: int | None = None
    most: int | None = None
    known: tuple[KnownSpeaker, ...] = ()
    voices: tuple[Voice, ...] = ()
    """`known`, decoded and checked (engine.known_speakers.hear): what a diarizer compares with."""


class Diarizer(Protocol):
    """Tells voices apart. Listens while the words are being recognised, not after."""

    name: str

    def listen(self, hints: SpeakerHints) -> "Listening":
        """For one file. Raises EngineError for a reference clip that cannot be used."""
        ...

    def close(self) -> None:
        """Let go of what nobody listens with."""
        ...


class Listening(Protocol):
    """One file's worth, in bounded memory. Called from one thread at a time."""

    def hear(self, block: npt.NDArray[np.int16]) -> None:
        """The next samples of the file, mono at SAMPLE_RATE, silence too."""
        ...

    def turns(self) -> tuple[Turn, ...]:
        """After the last block. Speakers are numbered `Speaker 1` on in order of first speech, or named."""
        ...

    def close(self) -> None:
        """Give up what it holds, finished or not. From another thread it also stops work that is going on."""
        ...


@runtime_checkable
class Exclusive(Protocol):
    """A listening that can say who is to be believed where voices overlap: each word has one speaker."""

    def exclusive_turns(self) -> tuple[Turn, ...]:
        """After `turns`, with the same names: one voice at a time."""
        ...
