"""WhisperLive from its own package, in an environment of its own, with the same weights."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.live_client import whisper_live
from benchmarks.live_figures import Figures
from benchmarks.longfile import ROOT, environment
from benchmarks.quality import Recording

START_SECONDS = 120.0


def measure_peer(model: Path, speech: Recording) -> Figures:
    python = environment("whisper_live")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    calm = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    command = [str(python), "-m", "benchmarks.rivals.whisper_live_serve", str(model.resolve()), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=calm, stdout=sys.stderr)
    try:
        _await(port, process)
        figures = Figures()
        figures.add(asyncio.run(whisper_live(f"ws://127.0.0.1:{port}", str(model), speech.samples)), speech)
        return figures
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("WhisperLive did not start.")
