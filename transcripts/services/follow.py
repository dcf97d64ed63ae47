"""A job's text while it is made, for callers that read along."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.types import Segment
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.models import Transcript
from transcripts.services.wait import looks, outcome


@dataclass(frozen=True, slots=True)
class Piece:
    """What came next. The texts of all pieces, put together as they are, make the transcript's text."""

    text: str
    segments: tuple[Segment, ...]


def follow(
    transcript: Transcript, *, abandoned: threading.Event, timeout: float, beat: Callable[[], None] = lambda: None
) -> Iterator[Piece]:
    """Each piece as soon as its chunk is committed. Behind the last one the job has succeeded and `transcript` is read
    anew; a job that ended otherwise raises its refusal. Pieces have no speakers yet, the finished transcript has.

    Leaving early cancels the job, which then costs nothing: `abandoned` raises CLIENT_CLOSED_REQUEST within a second,
    closing the iterator cancels at once. For the rest see `wait.looks`.
    """
    sent, seen = "", 0
    for job in looks(transcript.job_id, abandoned=abandoned, timeout=timeout, beat=beat):
        for chunk in selectors.chunks(job, after=seen):
            seen = chunk.index + 1
            if chunk.segments:
                text = " ".join(segment.text for segment in chunk.segments)
                piece = Piece(f" {text}" if sent else text, chunk.segments)
                sent += piece.text
                yield piece
    outcome(job)
    transcript.refresh_from_db()
    transcript.job = job
    if not transcript.text.startswith(sent):
        raise ServiceError(ErrorCode.INTERNAL, "The text changed after it was sent. Ask for it without streaming.")
    if rest := transcript.text[len(sent) :]:
        segments = selectors.document(transcript).segments
        yield Piece(rest, tuple(segment for segment in segments if segment.chunk >= seen))
