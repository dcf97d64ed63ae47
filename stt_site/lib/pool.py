"""Forked processes that do one thing each: started again when they die, stopped together, never left behind."""

import ctypes
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType

logger = logging.getLogger(__name__)
FORK = multiprocessing.get_context("fork")
GRACE_SECONDS = 20.0
"""How long children may take to put their work down; service managers often kill after 30."""
PR_SET_PDEATHSIG = 1
Role = Callable[[], None]


class _Flag:
    # Not a threading.Event: its set() takes a lock that the interrupted thread may be holding.
    up = False


_flag = _Flag()


def stopping() -> bool:
    """Has this process been asked to stop?"""
    return _flag.up


@dataclass
class _Child:
    role: Role
    process: ForkProcess
    born: float


def supervise(roles: Sequence[Role]) -> None:
    """Run each role in a process of its own until SIGTERM or SIGINT. Call it from a process without threads."""
    _flag.up = False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_flag)
    children = [_start(role) for role in roles]
    while not stopping():
        wait([child.process.sentinel for child in children], timeout=0.5)
        children = [child if child.process.is_alive() or stopping() else _restart(child) for child in children]
    _stop([child.process for child in children])


def stop_with_parent() -> None:
    """SIGTERM for this process when the thread that started it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _start(role: Role) -> _Child:
    process = FORK.Process(target=_run, args=(role, os.getpid()), name=getattr(role, "__name__", "worker"))
    process.start()
    return _Child(role, process, time.monotonic())


def _restart(child: _Child) -> _Child:
    process = child.process
    logger.warning("%s %d ended with %s and is started again.", process.name, process.pid, process.exitcode)
    process.close()
    if time.monotonic() - child.born < 1:
        time.sleep(1)
    return _start(child.role)


def _run(role: Role, parent: int) -> None:
    _flag.up = False
    signal.signal(signal.SIGTERM, _raise_flag)
    # Ctrl-C reaches the whole terminal; the parent alone decides, and tells its children with SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_with_parent()
    if os.getppid() != parent:
        return
    role()


def _stop(children: list[ForkProcess]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children:
        child.join(max(0.0, deadline - time.monotonic()))
        if child.is_alive():
            logger.warning("%s did not stop within %d s and is killed.", child.name, GRACE_SECONDS)
            child.kill()
            child.join()


def _raise_flag(number: int, frame: FrameType | None) -> None:
    _flag.up = True
