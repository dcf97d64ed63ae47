"""What this machine can run models on."""

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Literal

from engine.config import Device, EngineConfig

MAX_CPU_LANES = 4
GPU_LANES = 2


@dataclass(frozen=True, slots=True)
class Hardware:
    device: Literal["cpu", "cuda"]
    gpu_name: str | None = None
    gpu_memory_mb: int | None = None


@cache
def detect(wanted: Device) -> Hardware:
    """Raises ValueError where `cuda` is demanded and no GPU is usable."""
    if wanted == "cpu":
        return Hardware("cpu")
    import ctranslate2

    if ctranslate2.get_cuda_device_count() > 0:
        return Hardware("cuda", *_gpu())
    if wanted == "cuda":
        raise ValueError(
            "STT_DEVICE is cuda, but no usable CUDA device was found. Check the driver, or set it to auto."
        )
    return Hardware("cpu")


def lanes(config: EngineConfig) -> int:
    """How many calls are on the device at a time.

    On a CPU a lane with one thread and one window measured 2.4 times the throughput of all threads on a batch of 8:
    threads of one inference wait for each other at every layer, and a CPU gains nothing from a batch. A GPU computes
    one call while the words of the other are put together.
    """
    return min(threads(config), MAX_CPU_LANES) if detect(config.device).device == "cpu" else GPU_LANES


def feature_threads(config: EngineConfig) -> int:
    """One makes about 40 windows a second, far more than a CPU recognises; a GPU takes what all cores can make."""
    return 1 if detect(config.device).device == "cpu" else cores()


def windows_ahead(config: EngineConfig) -> int:
    """Room in memory, of 3.5 MB each, over all runs."""
    return 8 * lanes(config) if detect(config.device).device == "cpu" else 128


def threads(config: EngineConfig) -> int:
    return config.threads or cores()


def cores() -> int:
    return len(os.sched_getaffinity(0))


def gpus() -> tuple[str, ...]:
    """What CUDA_VISIBLE_DEVICES may be set to for each GPU of this machine that we may use."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return tuple(name.strip() for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name.strip())
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(found.split())


def free_memory() -> float | None:
    """Of the GPU that this process uses, in MB of a million bytes; None where nobody can tell."""
    found = _ask("memory.free")
    try:
        return float(found[0]) * 1.048576 if found else None
    except ValueError:
        return None


def _gpu() -> tuple[str | None, int | None]:
    name, memory = _ask("name,memory.total") or ("", "")
    return name or None, int(memory) if memory.isdecimal() else None


def _ask(fields: str) -> list[str] | None:
    """nvidia-smi counts all GPUs, whichever of them CUDA_VISIBLE_DEVICES has left to this process."""
    mine = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip() or "0"
    query = ["nvidia-smi", "-i", mine, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        line = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
    return [value.strip() for value in line.split(",")]
