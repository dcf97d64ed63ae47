"""Media in, samples out. The parent opens the file and counts; a locked-down child does everything else."""

import logging
import os
import stat
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from engine import sandbox
from engine.config import EngineConfig
from engine.decode_process import Child, failure_of, receive_info
from engine.decode_protocol import (
    BYTES_PER_SAMPLE,
    END,
    MAX_RATE,
    MAX_SEPARATE,
    PCM,
    DecodeRequest,
    Outcome,
    ProtocolError,
    parse_outcome,
)
from engine.errors import Cancelled, EngineError, EngineGone, MediaError
from engine.probed import Identity, Probed, identity_of
from engine.types import SAMPLE_RATE, MediaInfo, Notice

_log = logging.getLogger(__name__)

Block = npt.NDArray[np.int16]

CPU_SECONDS = 60
CPU_SECONDS_PER_HOUR = 30
START_ATTEMPTS = 3
REFILL_SECONDS = 1.0
"""Until children are started in the place of those that have a file: warming up takes what the file wants too."""


class PcmStream:
    """The samples of one file, in order, once: blocks of at most a second, int16 at the rate asked for.

    (n,) mono, or (n, channels) where the channels were asked for.
    """

    def __init__(self, child: Child, info: MediaInfo, request: DecodeRequest) -> None:
        self.info = info
        self.warnings: tuple[Notice, ...] = ()
        self._child = child
        self._channels = info.channels if request.separate else None
        self._frame_bytes = (self._channels or 1) * BYTES_PER_SAMPLE
        self._block_bytes = request.rate * self._frame_bytes
        self._bytes_left = int(request.max_seconds * request.rate) * self._frame_bytes
        self._last_block_came = False
        self._finished = False
        self._closed = False

    def __iter__(self) -> Iterator[Block]:
        """Raises MediaError, or Cancelled where `close` came before the end."""
        while not self._finished:
            try:
                frame = self._child.receive(self._block_bytes)
                samples = self._accepted(frame)
            except (ProtocolError, OSError) as error:
                raise self._failure(error) from error
            if samples is not None:
                block = np.frombuffer(samples, dtype="<i2")
                yield block if self._channels is None else block.reshape(-1, self._channels)

    def _accepted(self, frame: tuple[bytes, bytearray] | None) -> bytearray | None:
        """The samples in the frame; None at the end. The child checks and counts as well, but it is not trusted."""
        if frame is None:
            raise self._failure(None)
        kind, payload = frame
        if kind == END:
            self._finish(parse_outcome(payload))
            return None
        if kind != PCM or self._last_block_came or len(payload) % self._frame_bytes:
            raise ProtocolError("a frame out of turn")
        self._last_block_came = len(payload) < self._block_bytes
        self._bytes_left -= len(payload)
        if self._bytes_left < 0:
            self.close()
            raise MediaError("media_too_long")
        return payload

    def _finish(self, outcome: Outcome) -> None:
        self.close()
        if outcome.code is not None:
            raise MediaError(outcome.code)
        self.warnings = _notices(outcome)
        self._finished = True

    def _failure(self, error: Exception | None) -> EngineError:
        if self._closed:
            return Cancelled("The audio was closed before its end.")
        return failure_of(self._child, error)

    def close(self) -> None:
        self._closed = True
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Decoder:
    """Keeps `config.decode_children` locked-down children warm; each reads one file and ends. Any thread may call."""

    def __init__(self, config: EngineConfig) -> None:
        """Raises EngineError where the sandbox does not hold what it promises, or is not what `config` demands."""
        self.max_seconds = config.max_decoded_seconds
        self.sandbox = _tested_sandbox(config.strict_sandbox)
        self._cpu_seconds = CPU_SECONDS + int(CPU_SECONDS_PER_HOUR * self.max_seconds / 3600)
        self._spares_wanted = config.decode_children
        self._spares: deque[Child] = deque()
        self._probed = Probed()
        self._refilling: threading.Timer | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._owner = os.getpid()
        self._refill()

    def probe(self, source: Path) -> MediaInfo:
        """What the container says, without decoding. Raises MediaError, and OSError where there is no such file."""
        _, info = self._begin(source, DecodeRequest(mode="probe", rate=SAMPLE_RATE, max_seconds=0.0))
        return info

    def open(self, source: Path, *, max_seconds: float, rate: int = SAMPLE_RATE, separate: bool = False) -> PcmStream:
        """Close the stream, or use it in a `with`. `separate` keeps the channels apart. Raises as `probe` does."""
        if not 0 < rate <= MAX_RATE:
            raise ValueError(f"{rate} Hz is not a rate between 1 and {MAX_RATE}.")
        request = DecodeRequest("decode", rate, min(max_seconds, self.max_seconds), separate)
        child, info = self._begin(source, request)
        if separate and not 1 <= info.channels <= MAX_SEPARATE:
            child.close()
            raise MediaError("too_many_channels" if info.channels else "unsupported_channels")
        return PcmStream(child, info, request)

    def close(self) -> None:
        """Ends the spare children; streams that are open belong to their callers."""
        with self._lock:
            self._closed = True
            if self._refilling is not None:
                self._refilling.cancel()
            spares, self._spares = self._spares, deque()
        self._probed.close()
        for child in spares:
            child.close()

    def _begin(self, source: Path, request: DecodeRequest) -> tuple[Child, MediaInfo]:
        descriptor = _open_source(source)
        try:
            identity = identity_of(descriptor)
            if request.mode == "decode" and (waiting := self._order(identity, request)):
                return waiting
            child = self._hand_over(descriptor, request)
        finally:
            os.close(descriptor)
        try:
            self._refill_later()
            info = receive_info(child)
        except BaseException:
            child.close()
            raise
        if request.mode == "probe":
            self._probed.keep(identity, child, info)
        return child, info

    def _order(self, identity: Identity, request: DecodeRequest) -> tuple[Child, MediaInfo] | None:
        """The child that has probed this very file, told to go on. None where there is none, or it has died since."""
        with self._lock:
            self._disown_after_fork()
        if (found := self._probed.take(identity)) is None:
            return None
        try:
            found[0].order(request)
        except OSError:
            found[0].close()
            return None
        return found

    def _hand_over(self, descriptor: int, request: DecodeRequest) -> Child:
        reason: Exception | None = None
        for _ in range(START_ATTEMPTS):
            try:
                child = self._take()
            except OSError as error:
                reason = error
                continue
            try:
                child.give(request, descriptor, self.sandbox)
            except (ProtocolError, OSError) as error:
                reason = error
                child.close()
            except BaseException:
                child.close()
                raise
            else:
                return child
        raise EngineGone(
            "engine_gone",
            "The audio decoder did not start, so nothing was read or charged. Try again; if it goes on, "
            f"look at the server's free memory and at its log. The decoder says: {reason}.",
        )

    def _take(self) -> Child:
        with self._lock:
            if self._closed:
                raise EngineGone("engine_gone", "The server is shutting down. Nothing was read or charged; try again.")
            self._disown_after_fork()
            while self._spares:
                child = self._spares.popleft()
                if child.process.poll() is None:
                    return child
                child.close()
        return Child(self._cpu_seconds)

    def _disown_after_fork(self) -> None:
        """Two processes on one channel would each read half of the other's audio."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._spares.clear()
            self._probed = Probed()
            self._refilling = None

    def _refill_later(self) -> None:
        """One at once where none is left; otherwise the processors belong to the file at hand first."""
        with self._lock:
            if not self._spares and self._spares_wanted:
                self._add_spare()
            if self._refilling is None and len(self._spares) < self._spares_wanted and not self._closed:
                self._refilling = threading.Timer(REFILL_SECONDS, self._refill)
                self._refilling.daemon = True
                self._refilling.start()

    def _refill(self) -> None:
        with self._lock:
            self._refilling = None
            while len(self._spares) < self._spares_wanted and self._add_spare():
                pass

    def _add_spare(self) -> bool:
        """Starting costs the parent a millisecond; the warming up goes on in the child while others work."""
        if self._closed:
            return False
        try:
            self._spares.append(Child(self._cpu_seconds))
        except OSError as error:
            # Whoever needs one will try again, and be told.
            _log.warning("No spare decoder could be started: %s", error)
            return False
        return True


def _tested_sandbox(strict: bool) -> sandbox.Level:
    result = sandbox.self_test()
    if result.level == "full" and result.escaped:
        raise EngineError(
            "sandbox_unavailable",
            f"The decoder's sandbox does not hold: it let a process {', '.join(result.escaped)}. Media are not read.",
        )
    if result.level == "reduced" and strict:
        raise EngineError(
            "sandbox_unavailable",
            "This kernel cannot enforce the full sandbox (Landlock and seccomp), and the settings demand it. "
            "Allow both in the container's profile, or turn strict_sandbox off.",
        )
    return result.level


def _open_source(source: Path) -> int:
    """O_NOFOLLOW: an upload is a file, not a link to someone else's. O_NONBLOCK: nor a pipe that never opens."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if source.is_symlink():
            raise MediaError("unsupported_media", "This is a link, not a file; give the file itself.") from error
        raise
    status = os.fstat(descriptor)
    code = None
    if not stat.S_ISREG(status.st_mode):
        code = "unsupported_media"
    elif status.st_size == 0:
        code = "empty_file"
    if code is not None:
        os.close(descriptor)
        raise MediaError(code)
    return descriptor


def _notices(outcome: Outcome) -> tuple[Notice, ...]:
    notices = []
    if outcome.corrupt_packets:
        count = outcome.corrupt_packets
        pieces = "1 damaged piece" if count == 1 else f"{count} damaged pieces"
        notices.append(
            Notice("corrupt_packets_skipped", f"The file is damaged: {pieces} of its audio had to be skipped.")
        )
    if outcome.non_finite_samples:
        notices.append(
            Notice(
                "non_finite_samples",
                f"{outcome.non_finite_samples} samples of the file are not numbers; they were replaced by silence.",
            )
        )
    if outcome.missing_seconds:
        notices.append(
            Notice(
                "media_truncated",
                f"The file ends {outcome.missing_seconds:.0f} seconds before the length it states; "
                "what is there was read.",
            )
        )
    return tuple(notices)
