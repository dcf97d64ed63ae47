"""The engine process: one per accelerator, behind a Unix socket that only its own user may open."""

import ctypes
import fcntl
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any, TypeVar

from engine import memory, wire
from engine.config import EngineConfig
from engine.errors import Cancelled, EngineError, EngineGone
from engine.faults import engine_fault
from engine.protocols import Engine
from engine.streaming.serving import listen
from engine.text.types import Line
from engine.types import Chunk, Event, Progress, chunk_from_dict, options_from_dict, to_dict, transcript_from_dict
from engine.waiting import in_thread, wait_beating

STOP_GRACE = 2.0
"""Seconds in which running work learns that the engine stops, and says so to its caller."""
REQUEST_TIMEOUT = 60.0
PR_SET_PDEATHSIG = 1

T = TypeVar("T")
_log = logging.getLogger(__name__)


class AlreadyRunning(Exception):
    """Another engine answers at the same socket."""


def serve(path: Path, config: EngineConfig, *, exit_with_parent: bool = False) -> None:
    """Run until SIGTERM or SIGINT, then leave the process. Raises AlreadyRunning, ValueError (configuration), OSError.

    Call it in the main thread of a process of its own.
    """
    from engine.local import LocalEngine

    if exit_with_parent:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    memory.keep_large_apart()
    engine = LocalEngine(config)
    serve_engine(path, engine, warm=engine.warm)
    # Native inference that is still running would crash the interpreter's own shutdown.
    logging.shutdown()
    os._exit(0)


def serve_engine(path: Path, engine: Engine, *, warm: Callable[[], None] = lambda: None) -> None:
    """Serve any engine until a signal comes; returns when work has ended or been given up."""
    server = EngineServer(path, engine)

    def stop(signum: int, frame: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _log.info("The engine listens at %s", path)
    warm()
    server.run()
    with suppress(Exception):
        engine.close()


class EngineServer:
    """Listens from construction on; `run` answers until `stop`, which any thread or signal handler may call."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._engine = engine
        self._path = path
        self._lock = _lock(path)
        self._listener = _listen(path)
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._threads: set[threading.Thread] = set()
        self.stopping = False

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        while not self.stopping:
            if any(fd == self._listener.fileno() for fd, _ in poll.poll()):
                self._accept()
        self._path.unlink(missing_ok=True)
        self._listener.close()
        deadline = time.monotonic() + STOP_GRACE
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._lock.close()

    def stop(self) -> None:
        self.stopping = True
        with suppress(OSError):
            os.write(self._wake_writer, b".")

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:  # out of descriptors: those who wait in the backlog are served later
            _log.error("Cannot accept a connection: %s", error)
            time.sleep(0.1)
            return
        thread = threading.Thread(target=self._converse, args=(sock,), name="conversation", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _converse(self, sock: socket.socket) -> None:
        connection = wire.Connection(sock)
        try:
            if (request := connection.receive(REQUEST_TIMEOUT)) is not None:
                connection.send(self._answer(connection, request))
        except (OSError, ValueError) as error:
            _log.debug("A conversation broke off: %s", error)
        finally:
            connection.close()
            self._threads.discard(threading.current_thread())

    def _answer(self, connection: wire.Connection, request: wire.Frame) -> wire.Frame:
        try:
            return {"result": _Conversation(self, self._engine, connection).do(request)}
        except EngineError as error:
            return wire.error_frame(error)
        except Exception as error:
            return wire.error_frame(engine_fault(error))


class _Conversation:
    def __init__(self, server: EngineServer, engine: Engine, connection: wire.Connection) -> None:
        self._server = server
        self._engine = engine
        self._connection = connection

    def do(self, request: wire.Frame) -> dict[str, Any]:
        match request.get("op"):
            case "probe":
                return to_dict(self._engine.probe(Path(request["source"])))
            case "status":
                return to_dict(self._engine.status())
            case "make_playback":
                return self._make_playback(Path(request["source"]), Path(request["destination"]))
            case "enhance":
                return self._enhance(Path(request["source"]), Path(request["destination"]))
            case "mask":
                return self._mask(request)
            case "speak":
                return self._speak(Path(request["reference"]), request["text"], Path(request["destination"]))
            case "label_speakers":
                return self._label_speakers(request)
            case "embed":
                return self._embed(request)
            case "extract":
                return self._extract(request)
            case "write":
                return self._write(request)
            case "translate":
                return self._translate(request)
            case "transcribe":
                return self._transcribe(request)
            case "listen":
                return listen(self._engine, self._connection, request, lambda: self._server.stopping)
            case unknown:
                raise EngineError("bad_request", f"The engine has no operation {unknown!r}.")

    def _transcribe(self, request: wire.Frame) -> dict[str, Any]:
        resume = [self._chunk() for _ in range(request["resume"])]
        transcript = self._engine.transcribe(
            Path(request["source"]), options_from_dict(request["options"]), on_event=self._relay, resume=resume
        )
        return to_dict(transcript)

    def _chunk(self) -> Chunk:
        try:
            frame = self._connection.receive(REQUEST_TIMEOUT)
        except OSError as error:
            raise Cancelled from error
        if frame is None or "chunk" not in frame:
            raise Cancelled
        return chunk_from_dict(frame["chunk"])

    def _make_playback(self, source: Path, destination: Path) -> dict[str, Any]:
        return wire.playback_to_dict(
            self._relaying(lambda beat: self._engine.make_playback(source, destination, beat), "playback")
        )

    def _enhance(self, source: Path, destination: Path) -> dict[str, Any]:
        return to_dict(self._relaying(lambda beat: self._engine.enhance(source, destination, beat), "enhance"))

    def _mask(self, request: wire.Frame) -> dict[str, Any]:
        source, destination = Path(request["source"]), Path(request["destination"])
        stretches = [(float(start), float(end)) for start, end in request["stretches"]]
        cover = request["cover"]
        return to_dict(
            self._relaying(lambda beat: self._engine.mask(source, destination, stretches, cover, beat), "mask")
        )

    def _speak(self, reference: Path, text: str, destination: Path) -> dict[str, Any]:
        return to_dict(self._relaying(lambda beat: self._engine.speak(reference, text, destination, beat), "speak"))

    def _label_speakers(self, request: wire.Frame) -> dict[str, Any]:
        source, options = Path(request["source"]), options_from_dict(request["options"])
        transcript = transcript_from_dict(request["transcript"])
        return to_dict(
            self._relaying(lambda beat: self._engine.label_speakers(source, transcript, options, beat), "label")
        )

    def _embed(self, request: wire.Frame) -> dict[str, Any]:
        texts, priority = request["texts"], request["priority"]
        return wire.vectors_to_dict(
            self._relaying(lambda beat: self._engine.embed(texts, priority=priority, beat=beat), "embed")
        )

    def _extract(self, request: wire.Frame) -> dict[str, Any]:
        lines = [Line(**line) for line in request["lines"]]
        asked = {"style": request["style"], "language": request["language"]}
        return self._relaying(lambda beat: self._engine.extract(request["what"], lines, beat=beat, **asked), "extract")

    def _write(self, request: wire.Frame) -> dict[str, Any]:
        pieces = self._engine.write(
            request["messages"],
            most_tokens=request["most_tokens"],
            temperature=request["temperature"],
            stop=request["stop"],
            beat=self._beat,
        )
        with closing(pieces):
            while True:
                try:
                    piece = next(pieces)
                except StopIteration as end:
                    return {"cut": end.value}
                self._tell({"event": "piece", "value": piece})

    def _translate(self, request: wire.Frame) -> dict[str, Any]:
        texts, source, target = request["texts"], request["source"], request["target"]
        return {
            "texts": self._relaying(lambda beat: self._engine.translate(texts, source, target, beat=beat), "translate")
        }

    def _relaying(self, work: Callable[[Callable[[], None]], T], name: str) -> T:
        """Work without events of its own: the caller hears all the same that it lives, and ends it by leaving."""
        left = threading.Event()

        def stop_if_left() -> None:
            if left.is_set():
                raise Cancelled

        future = in_thread(lambda: work(stop_if_left), name)
        try:
            return wait_beating(future, self._beat)
        finally:
            left.set()

    def _beat(self) -> None:
        self._relay(Progress("finishing", 0.0, None))

    def _relay(self, event: Event) -> None:
        self._tell(wire.event_frame(event))

    def _tell(self, frame: wire.Frame) -> None:
        if self._server.stopping:
            raise EngineGone("engine_gone", "The speech engine is shutting down. The work can be tried again.")
        if self._connection.peer_left():
            raise Cancelled
        try:
            self._connection.send(frame)
        except OSError as error:
            raise Cancelled from error


def _lock(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"An engine is already running at {path}.") from None
    return lock


def _listen(path: Path) -> socket.socket:
    """Replaces a dead engine's socket in one step; nobody can connect before only its user may."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with wire.address(fresh) as address:
        listener.bind(address)
    fresh.chmod(0o600)
    listener.listen(128)
    fresh.rename(path)
    return listener
