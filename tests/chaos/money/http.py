"""Requests of a client that knows several web processes and expects any of them to die."""

import http.client
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

BOUNDARY = "----steno"
SECONDS = 45.0
LOST = (http.client.HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def is_replay(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"


class Web:
    def __init__(self, ports: list[int], chance: Random) -> None:
        self._ports = ports
        self._chance = chance

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        patience: float = SECONDS,
    ) -> Reply | None:
        """None: there was no answer, and what became of the request is not known."""
        connection = http.client.HTTPConnection("127.0.0.1", self._chance.choice(self._ports), timeout=patience)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        except LOST:
            return None
        finally:
            connection.close()


def form(name: str, recording: bytes) -> tuple[bytes, dict[str, str]]:
    """The body of POST /v1/transcribe, and its headers."""
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = start.encode() + recording + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
