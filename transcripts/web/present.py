"""What the pages show of a transcript: turns to read, word times for the player, a state in words. No database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.types import Segment, Span, Transcript, Word
from transcripts.web.languages import UNSPACED, base_code

PAUSE_SECONDS = 2.0
"""A silence this long starts a new paragraph."""
PARAGRAPH_CHARACTERS = 480
"""A paragraph longer than this ends with the sentence."""
RTL = frozenset({"ar", "fa", "he", "ur", "ps", "sd", "yi"})


@dataclass(frozen=True, slots=True)
class Line:
    """One segment: one text node of the page. `index` is its place in the transcript."""

    index: int
    start: float
    text: str
    doubtful: bool = False


@dataclass(slots=True)
class Turn:
    start: float
    end: float
    speaker: str | None
    colour: int
    """1..8, from the order in which the speakers first speak."""
    language: str | None
    lines: list[Line] = field(default_factory=list)
    unheard: bool = False
    """Speech without words: there is nothing to show but the place."""

    @property
    def separator(self) -> str:
        return "" if self.language and base_code(self.language) in UNSPACED else " "

    @property
    def seconds(self) -> int:
        return max(1, round(self.end - self.start))


def turns(
    segments: Sequence[Segment], suspects: Sequence[Span] = (), speakers: Sequence[str] = (), first: int = 0
) -> list[Turn]:
    """Paragraphs to read. A turn ends with its speaker or language, at a long pause, or when it grows too long."""
    colours = {name: number % 8 + 1 for number, name in enumerate(speakers)}
    found: list[Turn] = []
    size = 0
    for index, segment in enumerate(segments, start=first):
        now = found[-1] if found else None
        if now is None or size > PARAGRAPH_CHARACTERS or _parted(now, segment):
            colour = colours.get(segment.speaker or "", 0)
            now = Turn(segment.start, segment.end, segment.speaker, colour, segment.language)
            found.append(now)
            size = 0
        now.end = segment.end
        now.lines.append(Line(index, segment.start, segment.text, _doubtful(segment, suspects)))
        size += len(segment.text)
    return sorted([*found, *_unheard(segments, suspects)], key=lambda turn: turn.start)


@dataclass(frozen=True, slots=True)
class Place:
    start: float
    text: str


def places(read: Sequence[Turn]) -> list[Place]:
    """What a careful reader listens to again."""
    found = []
    for turn in read:
        if turn.unheard:
            found.append(Place(turn.start, "unclear speech"))
        found += [Place(line.start, _short(line.text)) for line in turn.lines if line.doubtful]
    return found


def _short(text: str, letters: int = 42) -> str:
    return text if len(text) <= letters else text[:letters].rsplit(" ", 1)[0] + " …"


def _parted(turn: Turn, segment: Segment) -> bool:
    return (
        segment.speaker != turn.speaker
        or segment.language != turn.language
        or segment.start - turn.end >= PAUSE_SECONDS
    )


def _doubtful(segment: Segment, suspects: Sequence[Span]) -> bool:
    covered = sum(max(0.0, min(span.end, segment.end) - max(span.start, segment.start)) for span in suspects)
    return covered > (segment.end - segment.start) / 2


def _unheard(segments: Sequence[Segment], suspects: Sequence[Span]) -> Iterator[Turn]:
    for span in suspects:
        if not any(segment.start < span.end and span.start < segment.end for segment in segments):
            yield Turn(span.start, span.end, None, 0, None, unheard=True)


def word_table(transcript: Transcript) -> list[list[int]]:
    """For each segment a flat list of (start, length, gap, letters) per word, for the player.

    Times are hundredths of a second, `start` counted from the start of the word before it (over the whole
    transcript); `gap` and `letters` are UTF-16 units of the segment's text, `gap` from the end of the word before.
    """
    table: list[list[int]] = []
    before = 0
    for segment in transcript.segments:
        row: list[int] = []
        place = 0
        for word in segment.words or (Word(segment.text, segment.start, segment.end, 1.0),):
            found = segment.text.find(word.text, place)
            if found < 0:  # text and words may differ in spacing; a word that is not there cannot be lit
                continue
            start, end = round(word.start * 100), round(word.end * 100)
            row += (
                start - before,
                max(end - start, 1),
                _units(segment.text[place:found]),
                _units(word.text),
            )
            before, place = start, found + len(word.text)
        table.append(row)
    return table


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True, slots=True)
class Status:
    """A state for people: always a word, an icon and a colour. `percent` None with `moving` is an unknown share."""

    state: str
    words: str
    icon: str
    tone: str = ""
    moving: bool = False
    percent: int | None = None
    detail: str = ""


FAILURES: Mapping[str, str] = {
    "empty_file": "the file is empty",
    "unsupported_media": "not audio or video",
    "no_audio_stream": "no sound in the file",
    "audio_too_short": "too short",
    "media_too_long": "too long",
    "decode_failed": "the file is damaged",
    "unsupported_language": "language not known",
    "model_unavailable": "the model is not here",
    "unknown_model": "no such model",
    "insufficient_credits": "no minutes left",
}
NO_LABELS = frozenset({"speaker_labels_unavailable", "speaker_labels_failed"})
PHASES: Mapping[str, str] = {"fetching_model": "Fetching the model", "finishing": "Finishing"}


@dataclass(frozen=True, slots=True)
class Run:
    """What the state of a job is told from. `state` is the public one."""

    state: str
    phase: str
    done: float
    total: float | None
    started: datetime | None
    words: int
    warnings: frozenset[str]
    error_code: str = ""
    error: str = ""
    stopping: bool = False


def status(run: Run, now: datetime) -> Status:
    match run.state:
        case "pending":
            return Status("pending", "Stopping" if run.stopping else "Waiting", "clock")
        case "processing":
            return _processing(run, now)
        case "failed":
            reason = FAILURES.get(run.error_code)
            words = f"Failed: {reason}" if reason else "Failed"
            return Status("failed", words, "alert", "is-bad", detail=run.error)
        case "cancelled":
            return Status("cancelled", "Cancelled", "x", detail="Nothing was charged.")
    if run.words == 0:
        return Status("completed", "No speech", "mute")
    plain = not run.warnings.isdisjoint(NO_LABELS)
    return Status("completed", "Ready, no speaker labels" if plain else "Ready", "check", "is-ok")


def _processing(run: Run, now: datetime) -> Status:
    if run.stopping:
        return Status("processing", "Stopping", "wave", "is-work", moving=True)
    if run.phase in PHASES:
        return Status("processing", PHASES[run.phase], "wave", "is-work", moving=True)
    if not run.total or run.done <= 0:
        return Status("processing", "Transcribing", "wave", "is-work", moving=True)
    share = min(run.done / run.total, 1.0)
    left = _left(run, share, now)
    words = f"Transcribing {int(share * 100)} %" + (f" ({left})" if left else "")
    return Status("processing", words, "wave", "is-work", moving=True, percent=int(share * 100))


def _left(run: Run, share: float, now: datetime) -> str:
    """Only said once there is something to tell it from."""
    if run.started is None or share < 0.05 or now - run.started < timedelta(seconds=5):
        return ""
    seconds = (now - run.started).total_seconds() * (1 - share) / share
    return f"about {round(seconds / 60)} min" if seconds >= 90 else "about a minute" if seconds > 40 else "seconds left"


def snippet(text: str, query: str, around: int = 60) -> tuple[str, str, str] | None:
    """The text before, at and after the first place where the query stands."""
    place = text.lower().find(query.lower()) if query else -1
    if place < 0:
        return None
    end = place + len(query)
    before = text[max(0, place - around) : place]
    after = text[end : end + around]
    return (
        "… " + before.split(" ", 1)[-1] if place > around else before,
        text[place:end],
        after.rsplit(" ", 1)[0] + " …" if end + around < len(text) else after,
    )
