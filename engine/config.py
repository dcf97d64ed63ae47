"""How an engine is set up. Django fills it from settings, the command line from options and the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

Device = Literal["auto", "cpu", "cuda"]
DiarizerName = Literal["auto", "embedded", "pyannote", "off"]
COMPUTE_TYPES = (
    "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip
"""What CTranslate2 knows; which of them a device can do is found out when a model is loaded."""
MAX_DECODED_SECONDS = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    models_dir: Path
    default_model: str | None = None
    """A catalogue id, or the path of a CTranslate2 Whisper directory; None chooses for the hardware."""
    device: Device = "auto"
    compute_type: str = "default"
    threads: int = 0
    """Threads of one inference on a CPU; 0 is one a core."""
    fetch_models: bool = True
    """May weights be fetched from the hub on first use?"""
    idle_unload_seconds: float = 900.0
    model_memory_mb: int = 0
    """What all models together may take on their device; 0: what is free when one is loaded."""
    max_decoded_seconds: float = MAX_DECODED_SECONDS
    decode_children: int = 2
    """Warm sandboxed decoders kept ready: as many as one upload to the page uses (transcription, copy for the browser).
    Each holds 20 MB; its successor costs 0.15 s of processor time and is ready in 0.3 to 0.5 s."""
    strict_sandbox: bool = False
    """Refuse to start where the kernel cannot enforce the full sandbox."""
    diarizer: DiarizerName = "auto"
    """Who tells speakers apart; `auto` is the best that is installed."""
    voices: bool = False
    """May texts be spoken in the voice of a recording?"""
    voice_steps: int = 32
    """Steps of the flow that makes a voice; fewer are faster and rougher."""
    write_seconds: float = 600.0
    """A text that is still being written then ends."""


def config_from_environment(models_dir: Path | None = None) -> EngineConfig:
    """`STT_DATA_DIR`, `STT_MODEL`, `STT_DEVICE`, `STT_COMPUTE_TYPE`, `STT_THREADS`, `STT_MODEL_MEMORY_MB`,
    `STT_FETCH_MODELS`, `STT_DIARIZER`, `STT_VOICES`.

    Raises ValueError with a sentence for the operator.
    """
    data_dir = Path(os.environ.get("STT_DATA_DIR", "var"))
    device = os.environ.get("STT_DEVICE", "auto")
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"STT_DEVICE is {device!r}; it must be auto, cpu or cuda.")
    compute_type = os.environ.get("STT_COMPUTE_TYPE", "default")
    if compute_type not in COMPUTE_TYPES:
        raise ValueError(f"STT_COMPUTE_TYPE is {compute_type!r}; it must be one of: {', '.join(COMPUTE_TYPES)}.")
    threads = _number("STT_THREADS", "0 for one a core")
    model_memory_mb = _number("STT_MODEL_MEMORY_MB", "0 for what is free")
    diarizer = os.environ.get("STT_DIARIZER", "auto")
    if diarizer not in get_args(DiarizerName):
        raise ValueError(f"STT_DIARIZER is {diarizer!r}; it must be one of: {', '.join(get_args(DiarizerName))}.")
    return EngineConfig(
        models_dir=models_dir or data_dir / "models",
        default_model=os.environ.get("STT_MODEL") or None,
        device=cast(Device, device),
        compute_type=compute_type,
        threads=threads,
        model_memory_mb=model_memory_mb,
        fetch_models=os.environ.get("STT_FETCH_MODELS", "1") not in ("0", "false", "no"),
        diarizer=cast(DiarizerName, diarizer),
        voices=os.environ.get("STT_VOICES", "0") in ("1", "true", "yes"),
    )


def _number(name: str, hint: str) -> int:
    value = os.environ.get(name, "0")
    if not value.isdecimal():
        raise ValueError(f"{name} is {value!r}; it must be a number, {hint}.")
    return int(value)
