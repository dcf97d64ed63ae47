"""Sound made of sound, while the caller waits: free of charge, and one of the places that the caller's plan has."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from accounts.services import limits
from accounts.services.access import Caller
from engine.types import Cover, Enhanced, Spoken
from stt_site.lib.db import release_connection
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts import engine_gateway, incoming, selectors, storage
from transcripts.models import JobState, Transcript
from transcripts.services import redaction
from transcripts.services.editing import rows
from transcripts.services.submit import StoredUpload
from transcripts.services.wait import RENEW_SLOT_SECONDS

logger = logging.getLogger(__name__)
MAX_TEXT = 1_000
"""Characters that are spoken at once."""


def enhance(caller: Caller, recording: StoredUpload, abandoned: threading.Event) -> tuple[IO[bytes], Enhanced]:
    """A WAV without a name on the disk: it goes when it is closed. Raises ServiceError."""
    with _place(caller, recording, abandoned) as beat, storage.scratch_file() as made:
        result = engine_gateway.enhance(recording.path, made, beat)
        return made.open("rb"), result


def speak(caller: Caller, reference: StoredUpload, text: str, abandoned: threading.Event) -> tuple[IO[bytes], Spoken]:
    """`text` in the voice of `reference`, as above. Who had which voice speak is in the log."""
    with _place(caller, reference, abandoned) as beat, storage.scratch_file() as made:
        result = engine_gateway.speak(reference.path, text, made, beat)
        logger.info("%s had the voice sha256:%s speak %d characters.", caller.key, reference.sha256, len(text))
        return made.open("rb"), result


def mask(caller: Caller, transcript: Transcript, cover: Cover) -> tuple[IO[bytes], int]:
    """A copy of the recording, as above, in which nothing is heard that identifies a person, and how many stretches
    were covered. What was corrected away in the text is covered too. Raises NOT_READY, NOT_FOUND."""
    if transcript.job.state != JobState.SUCCEEDED:
        raise ServiceError(ErrorCode.NOT_READY)
    shown = selectors.document(transcript)
    heard = rows.segments_of(transcript) if transcript.edited_at else []
    stretches = redaction.stretches(shown.segments, heard, language=shown.language)
    try:
        with (
            _place(caller, None, threading.Event()) as beat,
            storage.local_path(transcript.media.key) as source,
            storage.scratch_file() as made,
        ):
            engine_gateway.mask(source, made, stretches, cover, beat)
            return made.open("rb"), len(stretches)
    except FileNotFoundError as error:
        raise ServiceError(ErrorCode.NOT_FOUND, "The recording is no longer here.") from error


def checked_text(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_TEXT:
        message = f"Send a `text` of 1 to {MAX_TEXT} characters; this one has {len(text)}. Nothing was charged."
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    return text


@contextmanager
def _place(caller: Caller, upload: StoredUpload | None, abandoned: threading.Event) -> Iterator[Callable[[], None]]:
    """One of the plan's places, kept for as long as `beat` is called, which raises CLIENT_CLOSED_REQUEST when the
    caller has left, and STORAGE_FULL when what is being made would fill the disk. The upload goes in any case."""
    holder = f"sound:{new_id(16)}"
    renewed = time.monotonic()

    def beat() -> None:
        nonlocal renewed
        if abandoned.is_set():
            raise ServiceError(ErrorCode.CLIENT_CLOSED_REQUEST)
        incoming.room_for(0)
        if time.monotonic() - renewed > RENEW_SLOT_SECONDS:
            renewed = time.monotonic()
            limits.renew_slot(holder)
            release_connection()

    try:
        limits.take_slot(caller, holder)
        release_connection()
        yield beat
    finally:
        if upload is not None:
            upload.path.unlink(missing_ok=True)
        limits.free_slot(holder)
