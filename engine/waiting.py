"""Waiting for a thread's work without falling silent."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import TypeVar

T = TypeVar("T")

BEAT = 0.5


def in_thread(fn: Callable[[], T], name: str) -> "Future[T]":
    """Run `fn` in a daemon thread: it never holds up the end of the process."""
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(fn())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return outcome


def wait_beating(future: "Future[T]", beat: Callable[[], None]) -> T:
    """The future's result; `beat` is called in this thread while it is awaited, and may raise to stop waiting."""
    while not future.done():
        beat()
        wait_for([future], timeout=BEAT)
    return future.result()
