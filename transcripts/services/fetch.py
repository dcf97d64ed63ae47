"""A recording that a request names by URL becomes a private file, as if it had been uploaded."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.conf import settings

from accounts.services import limits
from accounts.services.access import Caller
from accounts.services.plans import MEGABYTE
from stt_site.lib import outbound
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.outbound import Answer, Client, Limits
from transcripts import incoming
from transcripts.incoming import IncomingFile
from transcripts.services.submit import StoredUpload

logger = logging.getLogger(__name__)
REDIRECTS = 5
_running: Counter[str] = Counter()
_lock = threading.Lock()


def fetch(
    url: str, caller: Caller, *, max_bytes: int | None = None, abandoned: threading.Event | None = None
) -> StoredUpload:
    """Blocks until the file is here: 60 s at most to the answer's headers, 300 s in all. `abandoned`: whoever waits
    for it has left. Raises URL_NOT_ALLOWED, URL_NOT_FOUND, URL_UNREACHABLE, FILE_TOO_LARGE, EMPTY_FILE, STORAGE_FULL,
    CONCURRENCY_LIMIT or CLIENT_CLOSED_REQUEST; then nothing is kept."""
    pace = Limits(slowest=settings.UPLOAD_MIN_BYTES_PER_SECOND)
    try:
        with _place(caller), Client().open("GET", url, limits=pace, redirects=REDIRECTS) as answer:
            return _stored(answer, caller, max_bytes, abandoned)
    except outbound.OutboundError as error:
        # What it was goes no further: an answer that tells refused from silent is a port scanner.
        logger.info("A recording could not be fetched for %s: %s", caller.key, error)
        refused = isinstance(error, outbound.NotAllowed)
        raise ServiceError(ErrorCode.URL_NOT_ALLOWED if refused else ErrorCode.URL_UNREACHABLE) from error


@contextmanager
def _place(caller: Caller) -> Iterator[None]:
    """As many at once as uploads, in this process."""
    with _lock:
        if _running[caller.key] >= settings.UPLOADS_AT_ONCE:
            raise ServiceError(ErrorCode.CONCURRENCY_LIMIT, retry_after=30)
        _running[caller.key] += 1
    try:
        yield
    finally:
        with _lock:
            _running[caller.key] -= 1
            if not _running[caller.key]:
                del _running[caller.key]


def _stored(answer: Answer, caller: Caller, max_bytes: int | None, abandoned: threading.Event | None) -> StoredUpload:
    if 400 <= answer.status < 500:
        message = f"The URL's server answered with status {answer.status}. Nothing was charged; check the URL."
        raise ServiceError(ErrorCode.URL_NOT_FOUND, message)
    if not 200 <= answer.status < 300:
        raise outbound.Unreachable(f"status {answer.status}")
    _check_size(answer.length or 0, caller, max_bytes)
    incoming.room_for(answer.length or 0)
    file = IncomingFile()
    try:
        for piece in answer.pieces():
            if abandoned is not None and abandoned.is_set():
                raise ServiceError(ErrorCode.CLIENT_CLOSED_REQUEST)
            _check_size(file.size + len(piece), caller, max_bytes)
            file.write(piece)
        if not file.size:
            raise ServiceError(ErrorCode.EMPTY_FILE, "The file at the URL is empty. Nothing was charged.")
        return StoredUpload(file.path, _name(answer), file.size, file.finish())
    except BaseException:
        file.discard()
        raise


def _check_size(size: int, caller: Caller, max_bytes: int | None) -> None:
    if size > caller.plan.max_file_bytes:
        raise limits.file_too_large(caller)
    if max_bytes is not None and size > max_bytes:
        message = f"The file at the URL is larger than {max_bytes // MEGABYTE} MB, the most here. Nothing was charged."
        raise ServiceError(ErrorCode.FILE_TOO_LARGE, message)


def _name(answer: Answer) -> str:
    return PurePosixPath(unquote(urlsplit(answer.target.path).path)).name[:255]
