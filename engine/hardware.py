"""What this machine can run models on."""

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Literal

from engine.config import Device


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


def _gpu() -> tuple[str | None, int | None]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        first = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()[0]
        name, memory = first.rsplit(",", 1)
        return name.strip(), int(memory)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None, None
