"""Whatever is killed, and whenever: every accepted job ends once, with the text of an undisturbed run, paid once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
KILLS = int(os.environ.get("STENO_CHAOS_KILLS", "200"))
RESTARTS = max(1, KILLS // 10)
SEED = int(os.environ.get("STENO_CHAOS_SEED", "1"))
SECONDS = {"worker": 300.0, "engine": 900.0, "restart": 300.0}
"""An engine has to start before its next death means anything."""


def storm(target: str, blows: int, data_dir: Path, *, max_attempts: int, lease: float) -> dict[str, Any]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STT_")},
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "STT_DATA_DIR": str(data_dir),
        "STT_ENGINE_SOCKET": str(data_dir / "run" / "engine.sock"),
        "STT_MODEL": str(FIXTURES / "micro_whisper"),
        "STT_DEVICE": "cpu",
        "STT_THREADS": "1",
        "STT_FETCH_MODELS": "0",
        "STT_WORKERS": "5",
        "STT_JOB_LEASE_SECONDS": str(lease),
        "STT_SWEEP_SECONDS": "0.5",
        "STT_JOB_MAX_ATTEMPTS": str(max_attempts),
        "STT_DISK_RESERVE_MB": "0",
    }
    command = [sys.executable, "-m", "tests.chaos.storm", target, str(blows), str(SEED), str(SECONDS[target])]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS[target] + 300
    )
    log = data_dir / "server.log"
    assert result.returncode == 0, result.stderr[-4000:] + (log.read_text()[-4000:] if log.exists() else "")
    report: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    print(report)
    return report


@pytest.mark.slow
@pytest.mark.parametrize("target", ["worker", "engine"])
def test_kills_lose_nothing(target: str, tmp_path: Path) -> None:
    # Poison is judged by kills without a checkpoint between them, and here somebody kills faster than any file.
    report = storm(target, KILLS, tmp_path, max_attempts=1000, lease=2)
    assert report["blows"] == KILLS
    assert report["resumed"] > 0
    assert_nothing_is_lost(report)


@pytest.mark.slow
def test_restarts_of_the_worker_cost_no_attempt(tmp_path: Path) -> None:
    # With one attempt a job, one that a stopping worker did not give back unharmed would fail. The lease is long
    # enough for a busy machine: a worker that is late with it has rightly lost its attempt.
    report = storm("restart", RESTARTS, tmp_path, max_attempts=1, lease=20)
    assert report["blows"] == RESTARTS
    assert report["resumed"] > 0
    assert report["slowest_stop"] < 25
    assert_nothing_is_lost(report)


def assert_nothing_is_lost(report: dict[str, Any]) -> None:
    assert report["states"] == {"succeeded": report["jobs"]}
    assert report["words"] > 0
    # Each recording has two chunks or more; the last comes with the whole, and is not stored.
    assert report["chunks_stored"] >= report["jobs"]
    assert report["chunks_stored_twice"] == 0
    assert report["different_text"] == []
    assert report["charged_wrong"] == []
    assert report["breaches"] == []
    assert report["uploads_left"] == []
