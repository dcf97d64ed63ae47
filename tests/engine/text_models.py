"""The embedder's converted weights, made once a machine's session and linked into the directories of tests."""

import fcntl
import os
import tempfile
from pathlib import Path

from engine.text import minilm

SHARED = Path(tempfile.gettempdir()) / f"steno-tests-{os.getuid()}" / "models"


def with_embedder(models_dir: Path) -> Path:
    """`models_dir`, in which the embedder is at home without being converted again."""
    SHARED.mkdir(parents=True, exist_ok=True)
    with (SHARED / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = minilm.ready(SHARED)
    models_dir.mkdir(parents=True, exist_ok=True)
    (models_dir / minilm.ID).symlink_to(directory)
    return models_dir
