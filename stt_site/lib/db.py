import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")
logger = logging.getLogger(__name__)
UNREACHABLE = (OperationalError, InterfaceError)
"""What a restarting, locked or unplugged database raises: trying again may help."""


def release_connection() -> None:
    """Give the connection up before a long wait. Inside a transaction it stays."""
    if not connection.in_atomic_block:
        connection.close()


def persist(write: Callable[[], T], patience: float) -> T:
    """Run `write` (a whole transaction that may safely run twice) until the database takes it, `patience` s at most."""
    deadline = time.monotonic() + patience
    delay = 0.1
    while True:
        try:
            return write()
        except UNREACHABLE:
            if connection.in_atomic_block or time.monotonic() + delay > deadline:
                raise
            logger.warning("The database does not answer; trying again in %.1f s.", delay, exc_info=True)
            connection.close()
        time.sleep(delay)
        delay = min(delay * 2, 5.0)
