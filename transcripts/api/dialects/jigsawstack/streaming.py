"""The answer while it is made. The deltas, put together, are the text."""

from collections.abc import Iterator
from typing import Any

from stt_site.lib.errors import ServiceError
from transcripts.api.dialects.jigsawstack.request import Wish
from transcripts.api.dialects.jigsawstack.response import chunks, of_row
from transcripts.api.sse import Event
from transcripts.models import Transcript
from transcripts.services.follow import Piece


def stream_events(wish: Wish, log_id: str, transcript: Transcript, pieces: Iterator[Piece]) -> Iterator[Event]:
    yield _event("start", log_id=log_id)
    space = " "
    for piece in pieces:
        for chunk in chunks(piece.segments, wish):
            yield _event("segment", chunk=chunk)
        yield _event("delta", delta=space + piece.text)
        space = ""
    whole = of_row(transcript, wish, log_id)
    yield _event("done", text=whole["text"])
    yield _event("final", **whole)


def failed(error: ServiceError) -> Event:
    return _event("error", message=error.message, error=error.code.value, log_id=error.request_id)


def _event(name: str, **what: Any) -> dict[str, Any]:
    return {"type": f"transcript.{name}", **what}
