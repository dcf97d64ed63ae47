"""A private file that an upload streams into, on local disk, until a service takes it over."""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import threading
import time
from pathlib import Path

from django.conf import settings

from stt_site.lib.errors import ErrorCode, ServiceError

SUFFIX = ".part"
# Far beyond any stall that the gate bears: nobody is writing to a file that rested this long.
ORPHAN_SECONDS = 3600


def directory() -> Path:
    path: Path = settings.DATA_DIR / "incoming"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def room_for(size: int) -> None:
    """Raises STORAGE_FULL when `size` more bytes would eat into the reserve."""
    if shutil.disk_usage(directory()).free - size < settings.DISK_RESERVE_BYTES:
        raise ServiceError(ErrorCode.STORAGE_FULL)


def remove_orphans(older_than: float = ORPHAN_SECONDS) -> int:
    """What a killed web process left behind. Returns how many files went."""
    removed = 0
    for path in directory().glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()
                removed += 1
    return removed


class IncomingFile:
    """Written from any thread, by one at a time. `discard` may come at any moment, even in the middle of a write."""

    def __init__(self) -> None:
        self.path = directory() / f"{secrets.token_hex(16)}{SUFFIX}"
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
                raise _as_refusal(error) from error
            self.size += len(data)

    def finish(self) -> str:
        """Make it durable; returns the sha256."""
        with self._lock:
            try:
                os.fsync(self._file.fileno())
                self._file.close()
            except OSError as error:
                raise _as_refusal(error) from error
        return self._hash.hexdigest()

    def discard(self) -> None:
        with self._lock:
            with contextlib.suppress(OSError):
                self._file.close()
            self.path.unlink(missing_ok=True)


def _as_refusal(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError(ErrorCode.STORAGE_FULL)
    return error
