"""A secret that is made once and kept beside the data, so that a clone runs and a restart keeps its sessions."""

import os
import secrets
from pathlib import Path


def load_or_create_secret(path: Path) -> str:
    try:
        # O_EXCL: of several processes starting at once, one writes and the others read.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
