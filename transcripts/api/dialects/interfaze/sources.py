"""From where a chat request says its recording is to a file of ours, and to a job."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from accounts.services.access import Caller
from accounts.services.plans import MEGABYTE
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.interfaze.request import Source
from transcripts.services.fetch import fetch
from transcripts.services.submit import StoredUpload
from transcripts.uploads.base64_file import decoded
from transcripts.uploads.form import display_name

MAX_URL_BYTES = 80 * MEGABYTE
NO_RECORDING = frozenset(
    {
        ErrorCode.UNSUPPORTED_MEDIA,
        ErrorCode.NO_AUDIO_STREAM,
        ErrorCode.DECODE_FAILED,
        ErrorCode.EMPTY_FILE,
        ErrorCode.URL_NOT_FOUND,
        ErrorCode.URL_NOT_ALLOWED,
        ErrorCode.URL_UNREACHABLE,
    }
)
T = TypeVar("T")


def first_recording(sources: tuple[Source, ...], attempt: Callable[[Source], T]) -> T:
    """`attempt` with each in turn, until one is a recording. A prompt may name a page beside it."""
    *earlier, last = sources
    for source in earlier:
        try:
            return attempt(source)
        except ServiceError as error:
            if error.code not in NO_RECORDING:
                raise
    return attempt(last)


def obtained(
    source: Source, inline: Mapping[str, StoredUpload], caller: Caller, abandoned: threading.Event
) -> StoredUpload:
    """A file that nobody else has: `submit` moves it away or deletes it."""
    if source.kind == "url":
        upload = fetch(source.value, caller, max_bytes=MAX_URL_BYTES, abandoned=abandoned)
    elif source.value in inline:
        upload = inline[source.value]
    else:
        upload = decoded(source.value, "")
    name = source.filename or upload.filename
    return replace(upload, filename=display_name(name) if name else "recording")


def named(error: ServiceError, source: Source) -> ServiceError:
    """The refusal, with the address that it is about."""
    if source.kind != "url" or error.code not in NO_RECORDING:
        return error
    return ServiceError(error.code, f"{source.value[:500]}: {error.message}", retry_after=error.retry_after)
