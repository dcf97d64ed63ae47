"""Where sockets live. A Unix socket's path may not pass 107 bytes, and a data directory may lie deep."""

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_NAME = 20


def run_dir(data_dir: Path) -> Path:
    directory = data_dir / "run"
    if len(bytes(directory)) + 1 + LONGEST_SOCKET_NAME > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(bytes(data_dir)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"steno-{name}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else; set STT_DATA_DIR to a shorter path.")
    return directory
