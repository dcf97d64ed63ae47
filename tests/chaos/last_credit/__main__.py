"""A million attempts at last credits, by processes that race: how many are overspent?

python -m tests.chaos.last_credit --attempts 1000000 --racers 64 --seconds 1500 --seed 1 --database sqlite
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.chaos.scratch import ENGINES, database

ROOT = Path(__file__).resolve().parents[3]


def run(attempts: int, racers: int, seconds: float, seed: int, url: str, directory: Path) -> dict[str, Any]:
    """The report. Raises CalledProcessError with what was said."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("STT_", "DJANGO"))},
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "DATABASE_URL": url,
        "REDIS_URL": "",
        "STT_DATA_DIR": str(directory),
        "STT_FREE_MINUTES_PER_MONTH": "0",
        "STT_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "tests.chaos.last_credit.race", *map(str, (attempts, racers, seconds, seed))]
    # Accounts are made first, at a few hundred a second.
    most = seconds + 600 + attempts / racers / 50
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=most
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def wrong(report: dict[str, Any]) -> list[str]:
    """Why the run shows that credits are not safe, or shows nothing."""
    found = [name for name in ("overspent_mc", "other", "charged_beyond_hold", "violations") if report[name]]
    if report["winners"] != report["accounts"]:
        found.append("winners")
    if sum(report[name] for name in ("winners", "refused_first", "refused", "busy")) != report["attempts"]:
        found.append("attempts")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--racers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=1500, help="after these, no further accounts are begun")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=ENGINES, default="sqlite")
    asked = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="steno-race-") as directory, database(asked.database) as url:
        report = run(asked.attempts, asked.racers, asked.seconds, asked.seed, url, Path(directory))
    report |= {"database": asked.database, "cores": os.cpu_count(), "load_before": round(before, 1)}
    for name, value in report.items():
        print(f"{name:24} {value}")
    if bad := wrong(report):
        raise SystemExit(f"WRONG: {', '.join(bad)}")


if __name__ == "__main__":
    main()
