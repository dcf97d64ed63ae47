"""Media files for the decoder's tests, honest and otherwise. Everything is made here; nothing is downloaded."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

RATE = 44_100


def tone(seconds: float, rate: int = RATE, hertz: float = 220.0) -> npt.NDArray[np.int16]:
    time = np.arange(round(seconds * rate)) / rate
    wave: npt.NDArray[np.int16] = (8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    return wave


def write_clip(
    path: Path,
    container: str,
    codec: str | None,
    *,
    seconds: float = 1.0,
    rate: int = RATE,
    video: str | None = None,
    tracks: int = 1,
    options: dict[str, str] | None = None,
) -> Path:
    """`seconds` of a tone (every further track an octave higher), with a picture if `video` names an encoder."""
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        picture = _add_picture(output, video) if video else None
        sounds = [_add_sound(output, codec, rate) for _ in range(tracks)] if codec else []
        if picture is not None:
            for index in range(round(seconds * 25)):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index % 256, np.uint8), format="rgb24")
                frame.pts = index
                output.mux(picture.encode(frame))
            output.mux(picture.encode(None))
        for number, sound in enumerate(sounds):
            _encode(output, sound, tone(seconds, rate, 220.0 * 2**number), rate)
    return path


def _add_picture(output: Any, codec: str) -> Any:
    stream = output.add_stream(codec, rate=25)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    return stream


def _add_sound(output: Any, codec: str, rate: int) -> Any:
    layout = "stereo" if codec == "vorbis" else "mono"
    options = {"strict": "experimental"} if codec == "vorbis" else {}
    stream = output.add_stream(codec, rate=rate, layout=layout, options=options)
    if codec == "wmav2":
        stream.bit_rate = 128_000
    return stream


def _encode(output: Any, stream: Any, samples: npt.NDArray[np.int16], rate: int) -> None:
    # A second at a time: FFmpeg's buffers count a frame's samples in few bits.
    for start in range(0, len(samples), rate):
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, start : start + rate].copy(), "s16", "mono")
        frame.sample_rate = rate
        frame.pts = start
        frame.time_base = Fraction(1, rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def wave_file(data: bytes, *, rate: int = 16_000, channels: int = 1, bits: int = 16, format_tag: int = 1) -> bytes:
    """RIFF WAVE with whatever the arguments claim. `format_tag` 1 is integers, 3 floats."""
    frame = channels * bits // 8
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, format_tag, channels, rate, rate * frame % 2**32, frame % 2**16, bits)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def silent_flac(seconds: int) -> bytes:
    """8 kHz silence in the fewest bytes FLAC allows: 15 for 8.2 s. A day is about 164 KB."""
    block = 65_535
    frames = seconds * 8_000 // block
    info = struct.pack(">HH", block, block) + bytes(6)
    info += ((8_000 << 44) | (15 << 36) | (frames * block)).to_bytes(8, "big") + bytes(16)
    out = bytearray(b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info)
    for number in range(frames):
        # Block size in 16 bits at the end, 8 kHz; one channel of 16 bits.
        head = b"\xff\xf8\x74\x08" + _flac_number(number) + struct.pack(">H", block - 1)
        frame = head + bytes([_crc(head, 8, 0x07)]) + b"\x00\x00\x00"
        out += frame + _crc(frame, 16, 0x8005).to_bytes(2, "big")
    return bytes(out)


def _flac_number(number: int) -> bytes:
    # UTF-8's scheme, which Python refuses to apply to surrogates.
    return chr(number).encode("utf-8", "surrogatepass")


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    top, mask, crc = 1 << (bits - 1), (1 << bits) - 1, 0
    for byte in data:
        crc ^= byte << (bits - 8)
        for _ in range(8):
            crc = ((crc << 1) ^ polynomial if crc & top else crc << 1) & mask
    return crc


def huge_picture() -> bytes:
    """A PNG that says 50,000 x 50,000 pixels: 10 GB for whoever decodes it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def id3_tag(body: bytes, claimed_size: int | None = None) -> bytes:
    size = len(body) if claimed_size is None else claimed_size
    return b"ID3\x03\x00\x00" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + body


def id3_picture(picture: bytes) -> bytes:
    data = b"\x00image/png\x00\x03\x00" + picture
    return id3_tag(b"APIC" + struct.pack(">I", len(data)) + b"\x00\x00" + data)
