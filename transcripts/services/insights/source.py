"""A text to make something of: somebody's, or a transcript's as people have corrected it."""

from dataclasses import dataclass

from engine.text.types import Line
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.models import JobState, Transcript
from transcripts.services.editing import reading

LONGEST_TEXT = 200_000
LONGEST_PROMPT = 4_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Source:
    lines: tuple[Line, ...]
    language: str | None = None

    @property
    def text(self) -> str:
        """What offsets count in."""
        return "\n".join(line.text for line in self.lines)

    @property
    def timed(self) -> bool:
        return any(line.start is not None for line in self.lines)


def of_text(text: str) -> Source:
    """Raises INVALID_REQUEST for a blank text, FILE_TOO_LARGE for one beyond LONGEST_TEXT."""
    capped(text, LONGEST_TEXT, "text")
    if not text.strip():
        raise ServiceError(ErrorCode.INVALID_REQUEST, "Send a `text` that is not blank. Nothing was charged.")
    return Source(tuple(Line(line) for line in text.split("\n")))


def of_transcript(transcript: Transcript) -> Source:
    """A line for each turn. Raises NOT_READY, and INVALID_REQUEST where nobody says anything."""
    if transcript.job.state != JobState.SUCCEEDED:
        raise ServiceError(ErrorCode.NOT_READY)
    document = reading.document(transcript, words=False)
    names = {speaker.id: speaker.name for speaker in document.speakers}
    lines = tuple(
        Line(turn.text, turn.start, turn.end, None if turn.speaker is None else names.get(turn.speaker))
        for turn in document.turns
        if turn.text.strip()
    )
    if not lines:
        message = "Nothing is said in this recording, so there is nothing to make of it. Nothing was charged."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return Source(lines, transcript.language or None)


def capped(text: str, most: int, name: str) -> None:
    if len(text) > most:
        message = (
            f"`{name}` has {len(text):,} characters, and {most:,} are the most that are taken at once. Send it in "
            "parts. Nothing was charged."
        )
        raise ServiceError(ErrorCode.FILE_TOO_LARGE, message)
