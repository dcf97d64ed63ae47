"""SQLite connections that nobody uses at the moment, of this process."""

import atexit
import os
import sqlite3
import threading
from collections import deque
from pathlib import Path
from typing import NamedTuple

MOST = 8

File = tuple[int, int]
"""Device and inode: a database that was deleted and made anew is another one."""


class _Idle(NamedTuple):
    file: File
    settings: str
    connection: sqlite3.Connection


_idle: deque[_Idle] = deque()
_lock = threading.Lock()
_inherited: list[sqlite3.Connection] = []


def file_of(name: str) -> File | None:
    """None for what is not, or not yet, a file."""
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def take(file: File, settings: str) -> sqlite3.Connection | None:
    """The one that was used last: it has the most in its cache."""
    with _lock:
        for place in reversed(range(len(_idle))):
            if _idle[place].file == file and _idle[place].settings == settings:
                found = _idle[place]
                del _idle[place]
                return found.connection
    return None


def keep(file: File, settings: str, connection: sqlite3.Connection) -> None:
    with _lock:
        _idle.append(_Idle(file, settings, connection))
        surplus = _idle.popleft() if len(_idle) > MOST else None
    if surplus:
        surplus.connection.close()


def close_all() -> None:
    with _lock:
        found = list(_idle)
        _idle.clear()
    for one in found:
        one.connection.close()


def _leave_to_the_parent() -> None:
    """SQLite forbids to use, and to close, what came through a fork: sqlite.org/howtocorrupt.html, 2.6."""
    global _lock
    _lock = threading.Lock()
    _inherited.extend(one.connection for one in _idle)
    _idle.clear()


os.register_at_fork(after_in_child=_leave_to_the_parent)
atexit.register(close_all)
