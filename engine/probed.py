"""Decoders that have said what a file is and wait for the order to read it, which mostly follows at once."""

import os
import threading
from dataclasses import dataclass

from engine.decode_process import Child
from engine.types import MediaInfo

KEEP_SECONDS = 5.0
MOST = 2
"""Kept at a time; each may hold what a hostile head made it take."""

Identity = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    child: Child
    info: MediaInfo
    end: threading.Timer

    def discard(self) -> None:
        self.end.cancel()
        self.child.close()


class Probed:
    """By the file they have open. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Identity, _Kept] = {}
        self._closed = False

    def keep(self, identity: Identity, child: Child, info: MediaInfo) -> None:
        end = threading.Timer(KEEP_SECONDS, self._discard, (identity, child))
        end.daemon = True
        kept = _Kept(child, info, end)
        with self._lock:
            surplus = [kept] if self._closed else self._add(identity, kept)
        for one in surplus:
            one.discard()

    def _add(self, identity: Identity, kept: _Kept) -> list[_Kept]:
        before = self._kept.pop(identity, None)
        surplus = [before] if before else []
        if len(self._kept) == MOST:
            surplus.append(self._kept.pop(next(iter(self._kept))))
        self._kept[identity] = kept
        kept.end.start()
        return surplus

    def take(self, identity: Identity) -> tuple[Child, MediaInfo] | None:
        with self._lock:
            kept = self._kept.pop(identity, None)
        if kept is None:
            return None
        kept.end.cancel()
        return kept.child, kept.info

    def _discard(self, identity: Identity, child: Child) -> None:
        with self._lock:
            mine = identity in self._kept and self._kept[identity].child is child
            if mine:
                del self._kept[identity]
        if mine:
            child.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, {}
        for one in kept.values():
            one.discard()


def identity_of(descriptor: int) -> Identity:
    """The file, however its name changes; another one once it is written to."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
