"""A private file that a recording streams into, on local disk, until a service takes it over.

The sweeper removes what a killed process left here.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import threading
from pathlib import Path

from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError


def directory() -> Path:
    path: Path = settings.DATA_DIR / "incoming"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def room_for(size: int) -> None:
    """Raises STORAGE_FULL when `size` more bytes would eat into the reserve."""
    if shutil.disk_usage(directory()).free - size < settings.DISK_RESERVE_BYTES:
        raise ServiceError(ErrorCode.STORAGE_FULL)


class IncomingFile:
    """Written from any thread, by one at a time. `discard` may come at any moment, even in the middle of a write."""

    def __init__(self) -> None:
        self.path = directory() / f"{secrets.token_hex(16)}.part"
        self.size = 0
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        # Unbuffered: what the gate hands over is large already.
        self._file = open(os.open(self.path, flags, 0o600), "wb", buffering=0)  # noqa: PTH123, SIM115

    def write(self, data: bytes | memoryview) -> None:
        with self._lock:
            if self._file.closed:
                return
            view = memoryview(data)
            self._hash.update(view)
            try:
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise as_refusal(error) from error
            self.size += len(data)

    def finish(self) -> str:
        """Make it durable; returns the sha256."""
        with self._lock:
            try:
                os.fsync(self._file.fileno())
                self._file.close()
            except OSError as error:
                raise as_refusal(error) from error
        return self._hash.hexdigest()

    def discard(self) -> None:
        with self._lock:
            with contextlib.suppress(OSError):
                self._file.close()
            self.path.unlink(missing_ok=True)


def as_refusal(error: OSError) -> Exception:
    """STORAGE_FULL for a full disk; anything else as it is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError(ErrorCode.STORAGE_FULL)
    return error
