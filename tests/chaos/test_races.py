import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def races(kind: str, rounds: int, data_dir: Path, url: str = "", lease: float = 60) -> dict[str, Any]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "DATABASE_URL": url,
        "REDIS_URL": "",
        "STT_DATA_DIR": str(data_dir),
        "STT_JOB_LEASE_SECONDS": str(lease),
    }
    command = [sys.executable, "-m", "tests.chaos.races", kind, str(rounds)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-4000:]
    report: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return report


@pytest.mark.slow
def test_of_five_deliveries_of_a_job_one_runs_it(tmp_path: Path) -> None:
    report = races("claim", 100, tmp_path)
    assert report["claims"] == 100
    assert report["fences"] == {"1": 100}
    assert report["winners"] > 1


@pytest.mark.slow
def test_a_job_is_either_finished_and_paid_or_cancelled_and_free(tmp_path: Path) -> None:
    report = races("cancel", 500, tmp_path)
    assert sum(report["states"].values()) == 500
    assert set(report["states"]) == {"succeeded", "cancelled"}
    assert report["wrong"] == []
    assert report["breaches"] == []


@pytest.mark.slow
def test_a_worker_killed_at_the_commit_has_done_all_or_nothing(url: str, tmp_path: Path) -> None:
    report = races("close", 20, tmp_path, url)
    before = [True, -9, "running", "", "held", 0]
    after = [False, -9, "succeeded", "Hello.", "settled", 1000]
    assert report["states"] == [before, after] * 10
    assert report["breaches"] == []


@pytest.mark.slow
def test_a_worker_that_wakes_too_late_writes_and_charges_nothing(url: str, tmp_path: Path) -> None:
    report = races("zombie", 5, tmp_path, url, lease=2)
    assert report["finished"] == 5
    assert report["late_writes"] == 0
    assert report["fences"] == [2]
    assert report["texts"] == ["Hello."]
    assert report["charged"] == [1000]
    assert report["breaches"] == []
