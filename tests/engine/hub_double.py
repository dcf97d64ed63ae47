"""A model hub on loopback: the few requests that a download makes, over real HTTP, with a hub's bad days."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubDouble(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {
            str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
        }
        self.gated_for: str | None = None
        """Everything is refused to whoever does not bring this token."""
        self.elsewhere: str | None = None
        """Where files really lie, as with a hub that keeps them in somebody else's store."""
        self.authorizations: list[str | None] = []
        self.cut_after: int | None = None
        """Break off the weights after so many bytes, and answer 503 to whoever comes back for the rest."""
        self.weights = "model.bin"
        """The file that bad days befall."""
        self.corrupt = False
        self.pause_after: int | None = None
        self.resume = threading.Event()
        self.paused = threading.Event()
        self.gets: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.listings = 0
        self.listed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: HubDouble

    def do_GET(self) -> None:
        if self._refused():
            return
        if self.path.startswith("/api/models/"):
            self.server.listings += 1
            self.server.listed.set()
            self._json({"id": "x/y", "sha": COMMIT, "siblings": self._siblings()})
            return
        self._file(body=True)

    def do_HEAD(self) -> None:
        if not self._refused():
            self._file(body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _refused(self) -> bool:
        wanted, given = self.server.gated_for, self.headers.get("Authorization")
        if wanted is None or given == f"Bearer {wanted}":
            return False
        self.send_response(403 if given else 401)
        self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def _siblings(self) -> list[dict[str, object]]:
        return [
            {
                "rfilename": name,
                "size": len(data),
                "lfs": {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 1}
                if name == self.server.weights
                else None,
            }
            for name, data in self.server.files.items()
        ]

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, *, body: bool) -> None:
        self.server.authorizations.append(self.headers.get("Authorization"))
        if self.server.elsewhere is not None:
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        name = self.path.split(f"/resolve/{COMMIT}/")[-1].split("?")[0]
        data = self.server.files.get(name)
        wanted = self.headers.get("Range")
        if data is None or (wanted and self.server.cut_after is not None):
            self.send_response(404 if data is None else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.server.ranges.append(wanted)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.server.gets[name] += 1
            self._body(name, data[start:])

    def _body(self, name: str, data: bytes) -> None:
        if name == self.server.weights:
            if self.server.corrupt:
                data = bytes(len(data))
            if self.server.cut_after is not None:
                self.wfile.write(data[: self.server.cut_after])
                self.close_connection = True
                return
            if (pause := self.server.pause_after) is not None:
                self.wfile.write(data[:pause])
                self.wfile.flush()
                self.server.paused.set()
                self.server.resume.wait(20)
                data = data[pause:]
        self.wfile.write(data)


@contextmanager
def running(directory: Path) -> Iterator[HubDouble]:
    with HubDouble(directory) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.resume.set()
            hub.shutdown()
            thread.join()
