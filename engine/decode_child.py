"""The process that touches hostile media: warm up, lock down, read one file, write samples, end.

Started by engine.decode_process with `python -m engine.decode_child CHANNEL_FD MEMORY_BYTES CPU_SECONDS`.
"""

import contextlib
import errno
import importlib
import io
import os
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import av
import av.error
import numpy as np

from engine import sandbox
from engine.decode_protocol import (
    BYTES_PER_SAMPLE,
    END,
    INFO,
    MAX_SEPARATE,
    MAX_TEXT,
    PCM,
    READY,
    TAKEN,
    DecodeRequest,
    Outcome,
    receive_order,
    receive_request,
    send_frame,
    send_json,
)
from engine.errors import MediaError
from engine.types import MediaInfo

# The demuxers of the containers we promise, and their near relatives. No playlist, no network, no device.
FORMATS = frozenset(
    """
    mp3 wav w64 flac ogg mov mp4 m4a 3gp 3g2 mj2 matroska webm aac mpegts mpeg asf avi amr caf aiff au flv
    """.split()  # noqa: SIM905 - a page of quotes reads worse
)
AUDIO_DECODERS = frozenset(
    """
    aac aac_fixed aac_latm ac3 ac3_fixed adpcm_ima_qt adpcm_ima_wav adpcm_ms adpcm_swf adpcm_yamaha alac amrnb amrwb
    dca dolby_e eac3 flac g722 g723_1 g726 g726le g729 gsm gsm_ms ilbc libopencore_amrnb libopencore_amrwb libopus
    mace3 mace6 mlp mp1 mp1float mp2 mp2float mp3 mp3float nellymoser opus qcelp qdm2 qdmc s302m sipr speex truehd
    truespeech tta vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice
    pcm_alaw pcm_bluray pcm_dvd pcm_f16le pcm_f24le pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be
    pcm_s16be_planar pcm_s16le pcm_s16le_planar pcm_s24be pcm_s24le pcm_s24le_planar pcm_s32be pcm_s32le
    pcm_s32le_planar pcm_s64be pcm_s64le pcm_s8 pcm_s8_planar pcm_u16be pcm_u16le pcm_u24be pcm_u24le pcm_u32be
    pcm_u32le pcm_u8
    """.split()  # noqa: SIM905
)
# codec_whitelist keeps FFmpeg from decoding pictures while it looks for stream parameters.
OPEN_OPTIONS = {
    "protocol_whitelist": "",
    "format_whitelist": ",".join(sorted(FORMATS)),
    "codec_whitelist": ",".join(sorted(AUDIO_DECODERS)),
}
OPEN_SECONDS = 20.0
MIN_SECONDS = 0.1
MAX_STREAMS = 64
MAX_CHANNELS = 24
MIN_SOURCE_RATE, MAX_SOURCE_RATE = 4_000, 384_000
# Nothing recorded is 120 dB above full scale; finite junk of that size turns infinite in the resampler's sums.
MAX_AMPLITUDE = 1e6
MAX_READ_ERRORS = 100
_WARM_UP_RATE = 8_000


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    np.seterr(all="ignore")
    try:
        warm_up()
        level = sandbox.lock_down(sandbox.Limits(memory_bytes=int(sys.argv[2]), cpu_seconds=int(sys.argv[3])))
    except Exception as error:
        send_frame(channel, READY, f"{type(error).__name__}: {error}"[:MAX_TEXT].encode())
        raise
    send_frame(channel, READY, level.encode())
    received = receive_request(channel)
    if received is None:
        return 0
    request, descriptor = received
    # The parent may hang up at any time; there is nobody to tell then.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        send_frame(channel, TAKEN)
        outcome = _serve(channel, request, descriptor)
        send_json(channel, END, asdict(outcome))
    return 0


def warm_up() -> None:
    """Use once what is imported late: after the lock-down no module can be read any more."""
    samples = np.zeros(_WARM_UP_RATE // 10, dtype="<f4").tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, _WARM_UP_RATE, 4 * _WARM_UP_RATE, 4, 32)
    wave = b"WAVE" + head + struct.pack("<4sI", b"data", len(samples)) + samples
    clip = io.BytesIO(struct.pack("<4sI", b"RIFF", len(wave)) + wave)
    with av.open(clip, options=OPEN_OPTIONS, metadata_errors="ignore", timeout=OPEN_SECONDS) as container:
        _describe(container)
        reader = _Reader(container, DecodeRequest(mode="decode", rate=16_000, max_seconds=1.0))
        if sum(len(block) for block in reader.blocks()) == 0:
            raise RuntimeError("The built-in clip could not be decoded.")
    with contextlib.suppress(av.error.FFmpegError):
        av.open(io.BytesIO(b""), options=OPEN_OPTIONS)
    for kind in ("video", "subtitles"):
        for part in ("stream", "codeccontext"):
            importlib.import_module(f"av.{kind}.{part}")


def _serve(channel: socket.socket, request: DecodeRequest, descriptor: int) -> Outcome:
    reader: _Reader | None = None
    code: str | None = None
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as source, _open(source) as container:
            send_json(channel, INFO, asdict(_describe(container)))
            order = request if request.mode == "decode" else receive_order(channel)
            if order is not None:
                reader = _Reader(container, order)
                for block in reader.blocks():
                    send_frame(channel, PCM, block)
                reader.check_end()
    except MediaError as error:
        code = error.code
    except MemoryError:
        code = "decode_resource_limit"
    if reader is None:
        return Outcome(code=code)
    return Outcome(code, reader.corrupt_packets, reader.non_finite_samples, reader.missing_seconds)


@contextlib.contextmanager
def _open(source: io.FileIO) -> Iterator[Any]:
    try:
        container = av.open(source, options=OPEN_OPTIONS, metadata_errors="ignore", timeout=OPEN_SECONDS)
    except (av.error.FFmpegError, OSError, ValueError, RuntimeError) as error:
        raise MediaError(_code_of(error, "unsupported_media")) from error
    with container:
        yield container


def _code_of(error: Exception, otherwise: str) -> str:
    # FFmpeg's interrupt, which is our time-out, comes as ExitError.
    if isinstance(error, av.error.ExitError) or getattr(error, "errno", None) in (errno.ENOMEM, errno.ETIMEDOUT):
        return "decode_resource_limit"
    return otherwise


def _describe(container: Any) -> MediaInfo:
    known = set(container.format.name.split(",")) <= FORMATS
    if not known or not 0 < len(container.streams) <= MAX_STREAMS:
        raise MediaError("unsupported_media")
    if not container.streams.audio:
        raise MediaError("no_audio_stream")
    stream = container.streams.audio[0]
    codec = stream.codec_context
    if codec is None or codec.codec.name not in AUDIO_DECODERS:
        raise MediaError("unsupported_media")
    # 0 is "not said": the frames will tell.
    if codec.sample_rate:
        _check_rate(codec.sample_rate)
    if codec.sample_rate and codec.channels and codec.format is not None:
        _check_mixdown(codec)
    return MediaInfo(
        format=container.format.name,
        codec=codec.codec.canonical_name,
        duration=_claimed_seconds(container, stream),
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        has_video=any(not _is_cover(video) for video in container.streams.video),
    )


def _check_rate(rate: int) -> None:
    if not MIN_SOURCE_RATE <= rate <= MAX_SOURCE_RATE:
        raise MediaError("unsupported_sample_rate")


def _check_mixdown(codec: Any) -> None:
    """Only trying tells which layouts FFmpeg can mix down: it knows 16 channels and 24, but not 9."""
    if codec.channels > MAX_CHANNELS:
        raise MediaError("unsupported_channels")
    frame = av.AudioFrame(format=codec.format.name, layout=codec.layout, samples=1)
    frame.sample_rate = codec.sample_rate
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    try:
        _resampler(codec.sample_rate).resample(frame)
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(_code_of(error, "unsupported_channels")) from error


def _resampler(rate: int, layout: str = "mono") -> Any:
    return av.AudioResampler(format="s16", layout=layout, rate=rate)


def _separate(stream: Any) -> tuple[str, int]:
    """The layout that keeps the channels as they are, and how many those are."""
    codec = stream.codec_context
    if not codec.channels:
        raise MediaError("unsupported_channels")
    if codec.channels > MAX_SEPARATE:
        raise MediaError("too_many_channels")
    return codec.layout.name, codec.channels


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _claimed_seconds(container: Any, stream: Any) -> float | None:
    # Bare AAC frames carry no length; what FFmpeg offers is file size over the bit rate of the first frames.
    if container.format.name == "aac":
        return None
    if stream.duration is not None and stream.duration > 0 and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration is not None and container.duration > 0:
        return float(container.duration / av.time_base)
    return None


class _Reader:
    """The first audio stream as blocks of at most one second, s16, mono or interleaved. Counts what it had to mend."""

    def __init__(self, container: Any, request: DecodeRequest) -> None:
        self._container = container
        self._stream = container.streams.audio[0]
        self._stream.codec_context.thread_count = 1
        for other in container.streams:
            if other.index != self._stream.index:
                other.discard = av.stream.Discard.all
        self._rate = request.rate
        self._layout, channels = _separate(self._stream) if request.separate else ("mono", 1)
        self._frame_bytes = channels * BYTES_PER_SAMPLE
        self._max_bytes = int(request.max_seconds * request.rate) * self._frame_bytes
        self._resampler: Any = None
        self._shape: tuple[str, str, int] | None = None
        self.total_bytes = 0
        self.corrupt_packets = 0
        self.non_finite_samples = 0
        self.missing_seconds = 0.0

    def blocks(self) -> Iterator[memoryview]:
        size = self._rate * self._frame_bytes
        pending = bytearray()
        for frame in self._packed_frames():
            pending += memoryview(frame.planes[0])[: frame.samples * self._frame_bytes]
            while len(pending) >= size:
                yield self._counted(pending[:size])
                del pending[:size]
        if pending and self.total_bytes + len(pending) >= MIN_SECONDS * size:
            yield self._counted(pending)
        else:
            self.total_bytes += len(pending)

    def check_end(self) -> None:
        seconds = self.total_bytes / self._frame_bytes / self._rate
        if seconds < MIN_SECONDS:
            raise MediaError("decode_failed" if self.corrupt_packets else "audio_too_short")
        # The container's own length may be the picture's, so only the stream's word counts, with room for padding.
        if self._stream.duration and self._stream.time_base and self._container.format.name != "aac":
            claimed = float(self._stream.duration * self._stream.time_base)
            if seconds < claimed - max(1.0, 0.02 * claimed):
                self.missing_seconds = claimed - seconds

    def _counted(self, block: bytearray) -> memoryview:
        self.total_bytes += len(block)
        if self.total_bytes > self._max_bytes:
            raise MediaError("media_too_long")
        return memoryview(block)

    def _packed_frames(self) -> Iterator[Any]:
        for frame in self._frames():
            self.non_finite_samples += _scrub(frame)
            yield from self._resample(frame)
        yield from self._flush()

    def _frames(self) -> Iterator[Any]:
        for packet in self._packets():
            try:
                yield from packet.decode()
            except EOFError:
                return
            except (av.error.FFmpegError, ValueError) as error:
                if _code_of(error, "") == "decode_resource_limit":
                    raise MediaError("decode_resource_limit") from error
                self.corrupt_packets += 1

    def _packets(self) -> Iterator[Any]:
        """All packets of the stream. A damaged place ends the generator inside, so start it again, not for ever."""
        for _ in range(MAX_READ_ERRORS):
            try:
                yield from self._container.demux(self._stream)
            except (av.error.FFmpegError, OSError, ValueError) as error:
                if _code_of(error, "") == "decode_resource_limit":
                    raise MediaError("decode_resource_limit") from error
                self.corrupt_packets += 1
            else:
                return

    def _resample(self, frame: Any) -> Iterator[Any]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            # Joined files change their format on the way; the resampler is bound to what it saw first.
            yield from self._flush()
            _check_rate(frame.sample_rate)
            self._resampler = _resampler(self._rate, self._layout)
            self._shape = shape
        frame.pts = None
        yield from self._convert(frame)

    def _flush(self) -> Iterator[Any]:
        if self._resampler is not None:
            yield from self._convert(None)

    def _convert(self, frame: Any) -> Iterator[Any]:
        try:
            yield from self._resampler.resample(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(_code_of(error, "unsupported_channels")) from error


def _scrub(frame: Any) -> int:
    """Silence, in place, all that is not a plausible number; gives back how many samples that were."""
    name = frame.format.name
    if not name.startswith(("flt", "dbl")):
        return 0
    scrubbed = 0
    for plane in frame.planes:
        samples = np.frombuffer(plane, dtype=np.float32 if name.startswith("flt") else np.float64)
        # One sum of squares clears the usual block: NaN makes the comparison false, infinity is too large.
        if not np.dot(samples, samples) <= MAX_AMPLITUDE**2:
            bad = ~(np.abs(samples) <= MAX_AMPLITUDE)
            samples[bad] = 0.0
            scrubbed += int(bad.sum())
    return scrubbed


if __name__ == "__main__":
    sys.exit(main())
