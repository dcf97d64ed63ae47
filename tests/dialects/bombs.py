"""Small files that claim or unpack to much more than they are."""

import struct
from pathlib import Path

from tests.engine.media import silent_flac, write_clip

TEN_HOURS = 10 * 3600
OPUS_RATE = 48_000
MASTER, SEGMENT, CLUSTER = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"


def ogg_of_ten_hours(folder: Path) -> bytes:
    """The head of a real Ogg of Opus with a last page, of no sound, that says when the recording ends."""
    content = write_clip(folder / "short.ogg", "ogg", "libopus", seconds=0.2, rate=OPUS_RATE).read_bytes()
    pages = [at for at in range(len(content)) if content.startswith(b"OggS", at)]
    last = bytearray(content[pages[-1] :])
    last[6:14] = struct.pack("<q", TEN_HOURS * OPUS_RATE)
    last[22:26] = bytes(4)
    last[22:26] = struct.pack("<I", ogg_checksum(last))
    return content[: pages[-1]] + bytes(last)


def ogg_checksum(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def nested_mkv(depth: int = 2000) -> bytes:
    """Matroska elements one in another, each of unknown size, and nothing in the innermost."""
    return MASTER + b"\x80" + (SEGMENT + b"\x01" + b"\xff" * 7 + CLUSTER + b"\x01" + b"\xff" * 7) * depth


def day_of_silence() -> bytes:
    """164 KB of FLAC."""
    return silent_flac(24 * 3600)
