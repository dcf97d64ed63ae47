"""django-q2's cluster, made to survive the SIGKILL of a worker.

Its workers share a multiprocessing.Queue and a multiprocessing.Value, whose locks die locked with the process that
held them: an idle worker that is killed holds the queue's lock, and after that no message is taken and SIGTERM is not
obeyed (django-q2 1.11.1, seen with one SIGKILL). The two stand-ins below need no locks: the kernel delivers a datagram
to one reader, whole, and a float in shared memory is written at once.
"""

import contextlib
import ctypes
import logging
import mmap
import os
import pickle
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from multiprocessing.sharedctypes import RawValue
from types import FrameType
from typing import Any

import django_q.cluster

logger = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 20.0
"""How long workers may take to put their work down; service managers often kill after 30."""
STOP_SECONDS = 25
"""After SIGTERM this process is gone by then, whatever it or django-q2's sentinel hangs in."""
BUSY_WAIT_SECONDS = 0.01
LARGEST_MESSAGE = 64 * 1024
"""A message carries a dotted path and row ids."""


class DatagramQueue:
    """What Sentinel, pusher, worker and monitor use of a queue.

    With a `maxsize`, `put` waits until the message before it is taken: what waits in here is lost with the cluster,
    so it had better wait in the database.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = maxsize > 0

    def put(self, item: Any) -> None:
        while self._one_at_a_time and not self.empty():
            time.sleep(BUSY_WAIT_SECONDS)
        self._writer.send(pickle.dumps(item))

    def get(self) -> Any:
        return pickle.loads(self._reader.recv(LARGEST_MESSAGE))  # noqa: S301 (our own socket pair)

    def empty(self) -> bool:
        return not select.select([self._reader], [], [], 0)[0]

    def qsize(self) -> int:
        return 0 if self.empty() else 1

    def close(self) -> None:
        """Nothing is buffered in this process; the sockets go with it."""

    def join_thread(self) -> None:
        """There is no feeder thread."""


class LockFreeValue:
    def __init__(self, kind: str, value: float) -> None:
        self._raw = RawValue(kind, value)

    @property
    def value(self) -> float:
        return float(self._raw.value)

    @value.setter
    def value(self, value: float) -> None:
        self._raw.value = value

    @contextlib.contextmanager
    def get_lock(self) -> Iterator[None]:
        yield


# One byte shared with every process forked from here: has the cluster been asked to stop?
_stopping = mmap.mmap(-1, 1)


def stopping() -> bool:
    """Running work asks this now and then, and puts itself down where it stands."""
    return _stopping[0] != 0


class Cluster(django_q.cluster.Cluster):  # type: ignore[misc]
    """STT_WORKERS processes that take messages, until SIGTERM or SIGINT."""

    def __init__(self) -> None:
        _stopping[0] = 0
        django_q.cluster.Queue = DatagramQueue
        django_q.cluster.Value = LockFreeValue
        os.register_at_fork(after_in_child=_settle_in)
        super().__init__()

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        # Only the flag: the interrupted code may hold the database's write lock, which workers need to put work down.
        if not stopping():
            _stopping[0] = 1
            # Telling a sentinel that hangs to stop waits for it, for ever. Nobody handles the alarm, so it kills.
            signal.alarm(STOP_SECONDS)

    def run(self, beside: Callable[[Callable[[], bool]], None]) -> None:
        """`beside` runs in this process until the callable it is given says stop."""
        self.start()
        beside(lambda: stopping() or not self.sentinel.is_alive())
        if not self.sentinel.is_alive():
            # Setting an event whose waiter was killed waits for that waiter, for ever.
            raise SystemExit(0 if stopping() else "django-q2's sentinel died; start the worker again.")
        self.stop_event.set()
        self.sentinel.join(GRACE_SECONDS)
        if self.sentinel.is_alive():
            logger.warning("Workers did not stop within %d s and are killed.", GRACE_SECONDS)
            self.sentinel.kill()
            self.sentinel.join()


def stop_with_parent(parent: int = 0) -> None:
    """SIGTERM for this process when the thread that started it ends. `parent`, the starting process's id, tells that
    it ended before this was called."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent and os.getppid() != parent:
        raise SystemExit("The process that started this one is gone.")


def _settle_in() -> None:
    """In every process of the cluster, so that none outlives the one that started it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Ctrl-C reaches the whole terminal; the parent alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
