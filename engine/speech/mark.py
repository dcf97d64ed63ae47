"""The mark that says in a WAV file itself that nobody ever said this."""

import struct
from pathlib import Path

SYNTHETIC = b"synthetic-voice"


def mark_synthetic(path: Path) -> None:
    """Append a LIST/INFO chunk with the comment (ICMT) SYNTHETIC and count it in the RIFF header.

    The INFO chunks are those of Microsoft's "Multimedia Programming Interface and Data Specifications 1.0".
    """
    comment = SYNTHETIC + b"\0"
    comment += b"\0" * (len(comment) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(SYNTHETIC) + 1) + comment
    with path.open("r+b") as file:
        file.seek(0, 2)
        if file.tell() % 2:
            file.write(b"\0")
        file.write(b"LIST" + struct.pack("<I", len(info)) + info)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))
