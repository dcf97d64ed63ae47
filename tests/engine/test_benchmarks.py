"""The commands of benchmarks/ that need what is not here still have to run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_gpu_benchmark_runs_without_a_gpu() -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--shape", "tiny", "--runs", "2", "--minutes", "0.5"]
    done = subprocess.run([*command, "--tokens", "8"], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    found = re.search(r"windows, calls, per call +(\d+), (\d+), 1\.0", done.stdout)
    assert found
    assert int(found[1]) == int(found[2]) >= 2
    assert re.search(r"device busy +\d+%", done.stdout)
