"""A client of WS /v1/stream for tests: what it sends, and all that it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.engine.speech import Pcm

WAIT = 60.0
FRAME = 640
"""Bytes of 20 ms."""


class Heard:
    """One connection. Messages are read as they come, by a thread."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self._came = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def sound(self, pcm: Pcm, length: int = FRAME, *, seconds_a_frame: float = 0.0) -> None:
        data = pcm.astype("<i2").tobytes()
        began = time.monotonic()
        for number, at in enumerate(range(0, len(data), length), 1):
            self.socket.send(data[at : at + length])
            if (wait := began + number * seconds_a_frame - time.monotonic()) > 0:
                time.sleep(wait)

    def until(self, wanted: Any) -> dict[str, Any]:
        """The first message, old or new, that `wanted` is true of."""
        with self._came:
            self._came.wait_for(lambda: any(map(wanted, self.messages)) or self._over, WAIT)
            found = [message for message in self.messages if wanted(message)]
        assert found, self.messages
        return found[0]

    def ready(self) -> dict[str, Any]:
        return self.until(lambda message: message.get("status") == "ready")

    def end(self) -> "Heard":
        self._thread.join(WAIT)
        assert self._over
        return self

    def cut(self) -> None:
        """As a broken line does: no closing handshake."""
        self.socket.socket.shutdown(2)
        self.end()

    @property
    def code(self) -> int | None:
        return self.socket.close_code

    @property
    def finals(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if message.get("type") == "transcript"]

    @property
    def text(self) -> str:
        return " ".join(message["text"] for message in self.finals)

    @property
    def error(self) -> dict[str, Any]:
        return self.until(lambda message: "error" in message)

    def _read(self) -> None:
        with suppress(ConnectionClosed, OSError):
            for text in self.socket:
                with self._came:
                    self.messages.append(json.loads(text))
                    self._came.notify_all()
        with self._came:
            self._over = True
            self._came.notify_all()


@contextmanager
def stream(address: str, key: str | None = None, query: str = "", **options: Any) -> Iterator[Heard]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{address.replace('http', 'ws', 1)}/v1/stream{query}"
    with connect(url, additional_headers=headers, open_timeout=WAIT, max_size=None, **options) as socket:
        yield Heard(socket)
