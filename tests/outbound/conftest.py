import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.transcripts.conftest import caller, data_dir, user  # noqa: F401


@dataclass
class Canary:
    """Listens where nobody may come: on every address of this machine, IPv4 and IPv6."""

    ports: list[int]
    visits: int = 0


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    """A port of its own, and the usual ones where they are free here."""
    bird, sockets = Canary([]), []
    for port in (0, 80, 443, 8080, 8443):
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            listener.bind(("::", port))
        except OSError:
            listener.close()
            continue
        listener.listen(64)
        sockets.append(listener)
        bird.ports.append(listener.getsockname()[1])
        threading.Thread(target=_count, args=(listener, bird), daemon=True).start()
    yield bird
    for listener in sockets:
        listener.close()


def _count(listener: socket.socket, bird: Canary) -> None:
    while True:
        try:
            visitor, _ = listener.accept()
        except OSError:
            return
        bird.visits += 1
        visitor.close()
