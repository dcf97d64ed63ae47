"""Weights as their makers publish them, rewritten for CTranslate2 in 8 bits. The rewriting loads the whole model with
torch, so it is done by a process of its own: `python -m engine.text.convert SOURCE DESTINATION FILE…`, where FILEs are
copied along."""

import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
QUANTIZATION = "int8"


class ConversionFailed(Exception):
    """The message is a sentence for people."""


def convert(source: Path, destination: Path, files: Sequence[str]) -> None:
    """Write the model in `source` to `destination`, anew if something is there. Raises ConversionFailed."""
    shutil.rmtree(destination, ignore_errors=True)
    apart(__name__, source, destination, *files)


def apart(module: str, source: Path, destination: Path, *more: str) -> None:
    """Run the module in a process of its own, which ends with this one. Raises ConversionFailed."""
    command = [sys.executable, "-m", module, str(source.absolute()), str(destination.absolute()), *more]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConversionFailed(
            f"The model is here but could not be converted: {_why(done)} It need not be downloaded again."
        )


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _why(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode == -signal.SIGKILL:
        return "the process was killed, most likely for want of memory."
    last = done.stderr.strip().splitlines()[-1:] or [f"the process ended with {done.returncode}"]
    return f"{last[0]}."


def main(source: str, destination: str, *files: str) -> None:
    end_with_parent()
    from ctranslate2.converters import TransformersConverter

    converter = TransformersConverter(source, copy_files=list(files), load_as_float16=True, low_cpu_mem_usage=True)
    converter.convert(destination, quantization=QUANTIZATION)


if __name__ == "__main__":
    main(*sys.argv[1:])
