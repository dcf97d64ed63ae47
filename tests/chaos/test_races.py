import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def races(kind: str, rounds: int, data_dir: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "STT_DATA_DIR": str(data_dir),
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
