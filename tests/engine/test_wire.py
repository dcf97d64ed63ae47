import socket
import threading
from collections.abc import Iterator

import pytest

from engine import wire

FRAMES = 30_000
WAIT = 60.0


@pytest.fixture
def ends() -> Iterator[tuple[wire.Connection, wire.Connection]]:
    one, other = (wire.Connection(sock) for sock in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def test_one_thread_sends_while_another_receives(ends: tuple[wire.Connection, wire.Connection]) -> None:
    """A live session is nothing else, for hours."""
    heard: list[list[int]] = []
    faults: list[Exception] = []

    def send(connection: wire.Connection) -> None:
        try:
            for number in range(FRAMES):
                connection.send({"number": number})
        except Exception as fault:
            faults.append(fault)

    def receive(connection: wire.Connection) -> None:
        try:
            heard.append([(connection.receive() or {})["number"] for _ in range(FRAMES)])
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(end,), daemon=True) for end in ends for work in (receive, send)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not faults
    assert heard == [list(range(FRAMES))] * 2


def test_what_has_come_in_part_is_not_lost_by_waiting_in_vain(ends: tuple[wire.Connection, wire.Connection]) -> None:
    here, there = ends
    with pytest.raises(TimeoutError):
        here.receive(0.01)
    there._socket.sendall(b'{"half":')
    with pytest.raises(TimeoutError):
        here.receive(0.01)
    there._socket.sendall(b"1}\n")
    assert here.receive(WAIT) == {"half": 1}


def test_who_reads_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SEND_TIMEOUT", 1)
    here, there = (wire.Connection(sock) for sock in socket.socketpair())
    with pytest.raises(OSError, match="unavailable"):
        here.send({"much": "x" * 10_000_000})
    here.close()
    there.close()
