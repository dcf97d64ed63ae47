"""One long file, words on: our engine beside three others, each from its own package, same machine, model and run.

    python -m benchmarks.longfile [FILE] [--minutes 10] [--model DIR] [--limit 150] [--speakers]

With --speakers those that tell speakers apart do so; pyannote's pipeline has random weights on both sides.

The first run makes the others' environments under var/benchmarks with pip, which takes minutes and is not measured.
Nobody gets longer than --limit seconds. Without FILE the audio is made by espeak-ng from the test model's words.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from benchmarks.pipeline import MODEL, machine
from benchmarks.speech import load_pcm, make_speech
from engine import hardware
from engine.catalog import PYANNOTE
from engine.types import SAMPLE_RATE
from tests.engine import community

ROOT = Path(__file__).parents[1]
RIVALS = Path(__file__).with_name("rivals")
PLACE = ROOT / "var" / "benchmarks"
NAMES = {
    "ours": "our engine, sandboxed decoding included",
    "faster_whisper": "faster-whisper, BatchedInferencePipeline",
    "whisperx": "whisperX (aligner with random weights)",
    "openai_whisper": "openai-whisper, float32",
}
WITH_SPEAKERS = {
    "ours_embedded": "our engine, packaged speaker encoder",
    "ours_pyannote": "our engine, pyannote (random weights)",
    "whisperx": "whisperX, pyannote (both with random weights)",
}
INSTALL_SECONDS = 1800.0


def environment(name: str) -> Path:
    """The Python of a throw-away environment that has what `rivals/<name>.txt` pins, and `<name>-nodeps.txt` alone."""
    wanted, alone = RIVALS / f"{name}.txt", RIVALS / f"{name}-nodeps.txt"
    mark = hashlib.sha256(wanted.read_bytes()).hexdigest()[:8]
    home = PLACE / f"{name}-{mark}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"Installing {name} …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(wanted)], check=True, timeout=INSTALL_SECONDS)
        if alone.exists():
            subprocess.run([*command, "--no-deps", "-r", str(alone)], check=True, timeout=INSTALL_SECONDS)
        (home / "complete").touch()
    return python


def command_of(name: str, model: Path, file: Path, voices: Path | None) -> list[str]:
    """`voices` is a models directory with a diarizer, None where speakers are not asked for."""
    if name.startswith("ours"):
        diarizer = name.removeprefix("ours").removeprefix("_") or "off"
        return [sys.executable, "-m", "benchmarks.ours", str(model), str(file), diarizer, str(voices or PLACE)]
    program = [str(environment(name)), "-m", f"benchmarks.rivals.{name}_run"]
    return [*program, str(model), str(file), str(hardware.cores()), *([str(voices / PYANNOTE)] if voices else [])]


def measure(name: str, model: Path, file: Path, limit: float, voices: Path | None) -> dict[str, Any] | str:
    """The program's own report, or why there is none."""
    command = command_of(name, model.resolve(), file.resolve(), voices)
    # Threads that wait spinning would take the cores from those that work.
    calm = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=calm, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"not done after {limit:.0f} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return f"failed: {last[:90]}"
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def table(results: dict[str, dict[str, Any] | str], names: dict[str, str], seconds: float) -> None:
    print(f"\n{'':46}{'version':>10}{'wall s':>9}{'x real time':>13}{'cpu s':>8}{'peak MB':>9}{'words':>7}")
    for name, result in results.items():
        if isinstance(result, str):
            print(f"{names[name]:46}{'':>10}  {result}")
            continue
        speed = seconds / result["wall"]
        print(
            f"{names[name]:46}{result.get('version', ''):>10}{result['wall']:9.2f}{speed:13.1f}"
            f"{result['cpu']:8.1f}{result['peak_mb']:9.0f}{result['words']:7d}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--limit", type=float, default=150.0)
    parser.add_argument("--speakers", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted({*NAMES, *WITH_SPEAKERS}))
    given = parser.parse_args()
    names = WITH_SPEAKERS if given.speakers else NAMES
    wanted = [name for name in names if not given.only or name in given.only]
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        file = given.file or make_speech(Path(folder) / "speech.wav", given.minutes)
        seconds = len(load_pcm(file)) / SAMPLE_RATE
        asked = "word times and speakers on" if given.speakers else "word times on"
        print(f"{seconds / 60:.1f} min of speech, English given, beam 5, {asked}; model loading not counted")
        for name in wanted:
            if not name.startswith("ours"):
                environment(name)
        voices = None
        if given.speakers:
            voices = Path(folder) / "models"
            community.make(voices / PYANNOTE, window=10.0)
        results = {name: measure(name, given.model, file, given.limit, voices) for name in wanted}
    table(results, names, seconds)


if __name__ == "__main__":
    main()
