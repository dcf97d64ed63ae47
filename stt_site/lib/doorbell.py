"""Waking a waiting process within a millisecond. A lost ring costs a poll, never work: every listener polls as well."""

import contextlib
import socket
import time
from pathlib import Path
from types import TracebackType


class Doorbell:
    """A Unix datagram socket to listen on. Processes forked after `listen` share it: a ring wakes one of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def listen(self) -> None:
        """Takes the place of an earlier listener, a killed one included."""
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._path.unlink(missing_ok=True)
            bell.bind(str(self._path))
        except OSError:
            bell.close()
            return
        self._socket = bell

    def wait(self, seconds: float) -> bool:
        """True when rung. Where no socket could be made (an odd file system) it only sleeps."""
        if self._socket is None:
            time.sleep(seconds)
            return False
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(16)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> "Doorbell":
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ring(path: Path) -> None:
    """Never waits and never fails: nobody may be listening, or enough rings may be waiting already."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)
        bell.sendto(b"!", str(path))
