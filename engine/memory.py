"""How much memory a model will take on its device, and how much there is, in MB of a million bytes; and how what is
free goes back to the machine."""

import ctypes
from collections.abc import Callable
from pathlib import Path

WORKING = 1.25
"""A model at work takes so many times its weights."""
WEIGHTS = {".bin", ".ckpt", ".npz", ".onnx", ".pt", ".safetensors"}
LARGE = 1 << 20
"""Bytes of a block that has pages of its own."""
_CGROUP = Path("/sys/fs/cgroup")
_LIBC = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3


def of_model(directory: Path | None, compute_type: str) -> float:
    """An upper estimate: weights are stored in 16 bits or fewer. The embedded recogniser (None) always fits."""
    if directory is None:
        return 0.0
    weights = sum(file.stat().st_size for file in directory.rglob("*") if file.suffix in WEIGHTS)
    return weights / 1e6 * (2 if compute_type == "float32" else 1) * WORKING


def free_ram() -> float | None:
    """What this process may still take without swapping; None where nobody can tell."""
    found = [free for free in (_available(), _left_in_group()) if free is not None]
    return min(found, default=None)


def _available() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("MemAvailable:")), None)


def _left_in_group() -> float | None:
    try:
        limit, used = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        lines = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        # Files that were read once count as used, and are let go when memory is wanted.
        return (limit - used + int(lines.get("inactive_file", 0))) / 1e6
    except (OSError, ValueError):  # no version 2, no limit, not Linux
        return None


def keep_large_apart() -> None:
    """For the whole process, where its C library is glibc. By itself that raises the bound from which blocks have pages
    of their own to the largest block ever freed (mallopt(3)); arrays of many lengths then wear holes into the heap,
    and an engine that listens for hours grows."""
    if mallopt := getattr(_LIBC, "mallopt", None):
        mallopt(_M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Pages without anything in use on them, to the machine (malloc_trim(3), a millisecond). Does nothing elsewhere."""
    if trim := getattr(_LIBC, "malloc_trim", None):
        trim(0)


class Budget:
    """`limit` MB for all models of this process; 0: what `free` measures."""

    def __init__(self, limit: float = 0, free: Callable[[], float | None] = free_ram) -> None:
        self.limit = limit
        self._free = free

    def room(self, *, loaded: float, loading: float) -> float | None:
        """What another model may take, in MB; None: nobody knows, so nobody is refused."""
        if self.limit:
            return self.limit - loaded - loading
        free = self._free()
        return None if free is None else free - loading
