"""What the pages show of a transcript: turns to read, word times for the player, a state in words. No database."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from engine.types import Segment, Span, Transcript, Word
from transcripts.services.editing.turns import paragraphs
from transcripts.web.languages import UNSPACED, base_code

DOUBTFUL_SHARE = 0.02
"""Of all words, the worst."""
RTL = frozenset({"ar", "fa", "he", "ur", "ps", "sd", "yi"})


Spoken = tuple[str, Sequence[Word]]
"""A line of the page and its words."""


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
    """Paragraphs to read, the same that an editor gets."""
    colours = {name: number % 8 + 1 for number, name in enumerate(speakers)}
    found: list[Turn] = []
    for group in paragraphs(segments):
        begin, colour = group[0], colours.get(group[0].speaker or "", 0)
        turn = Turn(begin.start, group[-1].end, begin.speaker, colour, begin.language)
        for index, segment in enumerate(group, start=first):
            turn.lines.append(Line(index, segment.start, segment.text, _doubtful(segment, suspects)))
        first += len(group)
        found.append(turn)
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


def found_places(read: Sequence[Turn], query: str) -> list[Place]:
    """Each place where `query` stands, by the line that it stands in."""
    if not query:
        return []
    return [
        Place(line.start, extract) for turn in read for line in turn.lines for extract in extracts(line.text, query)
    ]


def extracts(text: str, query: str, around: int = 32) -> Iterator[str]:
    for hit in pattern(query).finditer(text):
        before, after = text[max(0, hit.start() - around) : hit.start()], text[hit.end() : hit.end() + around]
        yield (
            (f"… {before.split(' ', 1)[-1]}" if hit.start() > around else before)
            + hit[0]
            + (f"{after.rsplit(' ', 1)[0]} …" if hit.end() + around < len(text) else after)
        )


@lru_cache(maxsize=64)
def pattern(query: str) -> re.Pattern[str]:
    """Lower and upper case are one, and so is all white space."""
    return re.compile(r"\s+".join(re.escape(part) for part in query.split()), re.IGNORECASE)


def _short(text: str, letters: int = 42) -> str:
    return text if len(text) <= letters else text[:letters].rsplit(" ", 1)[0] + " …"


def _doubtful(segment: Segment, suspects: Sequence[Span]) -> bool:
    covered = sum(max(0.0, min(span.end, segment.end) - max(span.start, segment.start)) for span in suspects)
    return covered > (segment.end - segment.start) / 2


def _unheard(segments: Sequence[Segment], suspects: Sequence[Span]) -> Iterator[Turn]:
    for span in suspects:
        if not any(segment.start < span.end and span.start < segment.end for segment in segments):
            yield Turn(span.start, span.end, None, 0, None, unheard=True)


def segment_words(transcript: Transcript) -> Iterator[Spoken]:
    """For `word_table`, where a line of the page is a segment."""
    for segment in transcript.segments:
        yield segment.text, segment.words or (Word(segment.text, segment.start, segment.end, 1.0),)


def word_table(lines: Iterable[Spoken]) -> list[list[int]]:
    """For each line of the page a flat list of (start, length, gap, letters) per word, for the player.

    Times are hundredths of a second, `start` counted from the start of the word before it (over the whole
    transcript); `gap` and `letters` are UTF-16 units of the line's text, `gap` from the end of the word before.
    """
    table: list[list[int]] = []
    before = 0
    for text, words in lines:
        row: list[int] = []
        place = 0
        for word in words:
            found = text.find(word.text, place)
            # Text and words may differ in spacing; a word that is not there is lit nowhere, and keeps its number.
            at, letters = (place, "") if found < 0 else (found, word.text)
            start, end = round(word.start * 100), round(word.end * 100)
            row += (start - before, max(end - start, 1), _units(text[place:at]), _units(letters))
            before, place = start, at + len(letters)
        table.append(row)
    return table


@dataclass(frozen=True, slots=True)
class Doubt:
    """Which words a careful reader checks: the least sure ones, and those where the run itself had doubts."""

    below: float
    suspects: Sequence[Span]

    def __contains__(self, word: Word) -> bool:
        middle = (word.start + word.end) / 2
        suspect = any(span.start <= middle < span.end for span in self.suspects)
        return word.probability < 1 and (word.probability < self.below or suspect)


def doubt(words: Sequence[Word], suspects: Sequence[Span]) -> Doubt:
    """A share, not a limit: what is a low probability differs from model to model. Equal ones are doubtful together,
    or, where they are many, not at all."""
    unsure = sorted(word.probability for word in words)
    share = int(len(unsure) * DOUBTFUL_SHARE)
    if not share:
        return Doubt(0.0, suspects)
    edge = bisect_right(unsure, unsure[share - 1])
    return Doubt(unsure[edge if edge <= 2 * share else share - 1], suspects)


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

    @property
    def open(self) -> bool:
        """Will it change by itself?"""
        return self.moving or self.state == "pending"


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
PHASES: Mapping[str, str] = {"fetching_model": "Fetching the model", "finishing": "Finding speakers"}
"""What the engine still does once all is heard is to wait for those who tell voices apart."""


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
    place: int | None = None
    """In the queue, from 1."""
    labelling: bool = False
    """Speakers are being told apart (again) over the text that is there."""


def status(run: Run, now: datetime) -> Status:
    match run.state:
        case "pending":
            return Status("pending", "Stopping" if run.stopping else _waiting(run.place), "clock")
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
    if run.labelling:
        return Status("completed", "Ready, finding speakers", "check", "is-work", moving=True)
    plain = not run.warnings.isdisjoint(NO_LABELS)
    return Status("completed", "Ready, no speaker labels" if plain else "Ready", "check", "is-ok")


def _waiting(place: int | None) -> str:
    if place is None:
        return "Waiting"
    return "Waiting (next)" if place == 1 else f"Waiting ({ordinal(place)})"


def ordinal(number: int) -> str:
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def upload_status(offset: int, size: int, going: bool) -> Status:
    """Of a file that is not all here. Between two pieces nobody writes, so only bytes that come say that it goes on."""
    share = offset * 100 // size
    if going:
        return Status("uploading", f"Uploading {share} %", "upload", "is-work", moving=True, percent=share)
    return Status("stopped", f"{share} % uploaded", "upload", detail="Choose the same file again to go on.")


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
