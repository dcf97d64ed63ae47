"""An HTTP server of the test's own that answers as it is told and keeps what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Got:
    method: str
    path: str
    headers: dict[str, str]
    """Lower-case names."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[BaseHTTPRequestHandler], Says | None]
"""What to answer; None: it has written its answer itself."""


class Receiver:
    def __init__(self, answers: Script | list[int] | None = None) -> None:
        """`answers`: a status for each request in turn, then 200; or what decides."""
        self.got: list[Got] = []
        self._statuses = list(answers) if isinstance(answers, list) else []
        self._script = answers if callable(answers) else self._next
        self.connections = 0
        self.url = ""

    def _next(self, _: BaseHTTPRequestHandler) -> Says:
        return Says(self._statuses.pop(0) if self._statuses else 200)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length") or 0)
        body = request.rfile.read(length)
        if len(body) < length:
            request.close_connection = True  # Its sender died in the middle: that is no request, and nobody to answer.
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.command, request.path, headers, body))
        if (says := self._script(request)) is None:
            return
        request.send_response(says.status)
        for name, value in {"Content-Length": str(len(says.body)), **says.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(says.body)


@contextmanager
def receiving(answers: Script | list[int] | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    receiver = Receiver(answers)

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            receiver.connections += 1
            super().setup()

        def handle_one(self) -> None:
            try:
                receiver.handle(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = handle_one  # noqa: N815 (the base class's names)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
