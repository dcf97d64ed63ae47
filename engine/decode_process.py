"""One decoder process as its parent sees it: how it is started, given a file, listened to, and what its end means."""

import contextlib
import logging
import signal
import socket
import subprocess
import threading
import time

from engine import sandbox
from engine.decode_protocol import (
    END,
    INFO,
    READY,
    TAKEN,
    DecodeRequest,
    ProtocolError,
    parse_info,
    parse_outcome,
    receive_frame,
    send_order,
    send_request,
)
from engine.errors import EngineError, MediaError, OutOfMemory
from engine.types import MediaInfo

_log = logging.getLogger(__name__)

# On top of what the child has mapped when it is warm. Tables of a 12 h MP4 are about 50 MB.
CHILD_MEMORY_BYTES = 448 << 20
START_SECONDS = 60.0
# Nothing for so long means that the file has the decoder going in circles; a warm one answers in milliseconds.
STALL_SECONDS = 60.0
# All waiting for one file together, in terms of the processor time it may use: the machine has other work as well.
PATIENCE = 2.0


class Child:
    """One decoder process and the parent's end of its channel. Any thread may call `close`, any number of times."""

    def __init__(self, cpu_seconds: int) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command, environment = sandbox.python_child(
            "engine.decode_child", str(theirs.fileno()), str(CHILD_MEMORY_BYTES), str(cpu_seconds)
        )
        try:
            # A session of its own: Ctrl-C is for the parent, which ends its children in good order.
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError:
            self.channel.close()
            raise
        finally:
            theirs.close()
        self._patience = PATIENCE * cpu_seconds
        self._in_use = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False

    def give(self, request: DecodeRequest, descriptor: int, level: sandbox.Level) -> None:
        """Raises ProtocolError or OSError where the child has not even looked at the file: another may try."""
        deadline = time.monotonic() + START_SECONDS
        answer = self._expect(READY, deadline).decode(errors="replace")
        if answer != level:
            raise ProtocolError(f"it reports {answer!r} where the sandbox was tested as {level!r}")
        send_request(self.channel, request, descriptor)
        self._expect(TAKEN, deadline)

    def order(self, request: DecodeRequest) -> None:
        """To one that has probed: decode now. Raises OSError where it is there no more."""
        send_order(self.channel, request)

    def _expect(self, kind: bytes, deadline: float) -> bytes:
        frame = receive_frame(self.channel, deadline=deadline)
        if frame is None or frame[0] != kind:
            raise ProtocolError("it ended before it began")
        return bytes(frame[1])

    def receive(self, max_pcm_bytes: int) -> tuple[bytes, bytearray] | None:
        """As receive_frame. The lock keeps the descriptor from being closed, and used again, under a reader's feet."""
        with self._in_use:
            if self._closed:
                return None
            start = time.monotonic()
            try:
                deadline = start + min(STALL_SECONDS, self._patience)
                return receive_frame(self.channel, deadline=deadline, max_pcm_bytes=max_pcm_bytes)
            finally:
                self._patience -= time.monotonic() - start

    def close(self) -> int:
        """The exit status, as subprocess gives it. The child is dead and reaped afterwards."""
        with self._closing:
            self.process.kill()
            status = self.process.wait()
            if not self._closed:
                self._closed = True
                # Wakes a reader even where some forked process has inherited the other end.
                with contextlib.suppress(OSError):
                    self.channel.shutdown(socket.SHUT_RDWR)
                with self._in_use:
                    self.channel.close()
            return status


def receive_info(child: Child) -> MediaInfo:
    try:
        frame = child.receive(0)
        if frame is None:
            raise failure_of(child, None)
        if frame[0] == INFO:
            return parse_info(frame[1])
        outcome = parse_outcome(frame[1] if frame[0] == END else b"")
        raise MediaError(outcome.code or "decode_failed")
    except (ProtocolError, OSError) as error:
        raise failure_of(child, error) from error


def failure_of(child: Child, error: Exception | None) -> EngineError:
    """What a child's silence or death means. It is dead afterwards."""
    if isinstance(error, TimeoutError | ProtocolError):
        child.close()
        return MediaError("decode_resource_limit" if isinstance(error, TimeoutError) else "decode_failed")
    # The channel is closed, so the process is about to end by itself, and how it does is the answer.
    try:
        status = child.process.wait(timeout=STALL_SECONDS)
    except subprocess.TimeoutExpired:
        child.close()
        return MediaError("decode_resource_limit")
    child.close()
    _log.warning("A decoder ended with status %s before the end of its file.", status)
    if status == -signal.SIGKILL:
        # Its own limits end it otherwise: SIGXCPU comes before this signal, and memory beyond the bound is refused.
        return OutOfMemory(
            "out_of_memory",
            "The audio decoder was ended from outside, most likely because the server ran out of memory. "
            "Nothing was charged; it can be tried again.",
        )
    return MediaError("decode_resource_limit" if status == -signal.SIGXCPU else "decode_failed")
