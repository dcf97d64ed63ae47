"""One line for each API request of an account. Requests hand their line over and go; a thread writes them together.

A process that is killed loses what it has not written yet, REQUEST_LOG_SECONDS of it: this is a log, not the ledger.
"""

import atexit
import logging
import threading
from collections import deque
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, RequestLog, User
from stt_site.lib.db import persist

logger = logging.getLogger(__name__)
MOST_WAITING = 10_000
PATIENCE_SECONDS = 10.0
PURGE_BATCH = 10_000
PURGE_BATCHES = 20


def recent(owner: User, *, key: ApiKey | None = None, before: int | None = None, limit: int = 50) -> list[RequestLog]:
    """Newest first. `before` is the id of the last line of the page before this one."""
    lines = RequestLog.objects.filter(user=owner).select_related("api_key").order_by("-id")
    if key is not None:
        lines = lines.filter(api_key=key)
    if before is not None:
        lines = lines.filter(id__lt=before)
    return list(lines[:limit])


def record(line: RequestLog) -> None:
    """Without waiting for the database, unless REQUEST_LOG_SECONDS is 0."""
    if settings.REQUEST_LOG_SECONDS:
        _writer.add(line)
    else:
        _write([line], patience=0)


def purge() -> None:
    """Forgets what is older than REQUEST_LOG_DAYS, a part of it at a time."""
    old = RequestLog.objects.filter(at__lt=timezone.now() - timedelta(days=settings.REQUEST_LOG_DAYS))
    for _ in range(PURGE_BATCHES):
        some = list(old.values_list("pk", flat=True)[:PURGE_BATCH])
        RequestLog.objects.filter(pk__in=some).delete()
        if len(some) < PURGE_BATCH:
            break


def _write(lines: list[RequestLog], patience: float) -> None:
    try:
        persist(lambda: RequestLog.objects.bulk_create(lines, batch_size=500), patience)
    except DatabaseError:
        logger.exception("%d lines of the request log could not be written and are lost.", len(lines))


class Writer:
    """`deque` is the hand-over: appending to it and popping from it need no lock."""

    def __init__(self) -> None:
        self._waiting: deque[RequestLog] = deque()
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, line: RequestLog) -> None:
        if len(self._waiting) >= MOST_WAITING:
            logger.warning("The request log cannot be written as fast as requests come; a line is dropped.")
            return
        self._waiting.append(line)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
                    self._thread.start()
                    atexit.register(self.flush)
        self._wake.set()

    def flush(self) -> None:
        lines = []
        while self._waiting:
            lines.append(self._waiting.popleft())
        if lines:
            _write(lines, PATIENCE_SECONDS)
            connection.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(settings.REQUEST_LOG_SECONDS)
            self.flush()


_writer = Writer()
