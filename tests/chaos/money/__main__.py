"""Clients, top-ups and SIGKILLs over web, worker and engine: is every job ended once, and paid for once?

python -m tests.chaos.money --jobs 2000 --kills 1000 --seconds 1800 --seed 1 --database sqlite
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.scratch import ENGINES, database

ROOT = Path(__file__).resolve().parents[3]
STARTING_AND_DRAINING = 420.0
"""Seconds beside those that were asked for."""
MUST_BE_EMPTY = (
    "violations",
    "complaints",
    "lost",
    "charged_twice",
    "charged_wrong",
    "text_wrong",
    "balances_wrong",
    "payments_not_credited",
    "credits_without_payment",
    "lots_twice",
)


def run(jobs: int, kills: int, seconds: float, seed: int, url: str, directory: Path) -> dict[str, Any]:
    """The report. Raises CalledProcessError with what was said."""
    ports = free_ports(3)
    stripe = f"http://127.0.0.1:{ports[2]}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("STT_", "DJANGO"))},
        "DJANGO_SETTINGS_MODULE": "stt_site.settings",
        "DATABASE_URL": url,
        "REDIS_URL": "",
        "STT_DATA_DIR": str(directory),
        "STT_ENGINE_SOCKET": str(directory / "run" / "engine.sock"),
        "STT_FETCH_MODELS": "0",
        "STT_WORKERS": "6",
        "STT_JOB_LEASE_SECONDS": "4",
        "STT_SWEEP_SECONDS": "1",
        # Poison is judged by kills without a checkpoint between them, and here somebody kills faster than any file.
        "STT_JOB_MAX_ATTEMPTS": "1000",
        "STT_DISK_RESERVE_MB": "0",
        "STT_FREE_MINUTES_PER_MONTH": "5",
        "STT_LOG_LEVEL": "WARNING",
        **{f"STT_{name}_PER_MINUTE": "1000000" for name in ("READS", "WRITES", "WORK", "TEXT", "UPLOADS")},
        "STT_STRIPE_API": stripe,
        "STT_STRIPE_PAGES": stripe,
        "STT_STRIPE_SECRET_KEY": "sk_test_double",
        "STT_STRIPE_WEBHOOK_SECRET": "whsec_double",
        "CHAOS_PORTS": f"{ports[0]},{ports[1]}",
        "CHAOS_STRIPE_PORT": str(ports[2]),
        "CHAOS_REPORT": str(directory / "report.json"),
    }
    command = [sys.executable, "-m", "tests.chaos.money.run", str(jobs), str(kills), str(seconds), str(seed)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=2 * seconds + STARTING_AND_DRAINING)
    report: dict[str, Any] = json.loads((directory / "report.json").read_text())
    return report


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wrong(report: Mapping[str, Any]) -> dict[str, Any]:
    """What should be empty and is not."""
    found = {name: report[name] for name in MUST_BE_EMPTY if report[name]}
    if report["bought_mc"] != report["purchased_lots_mc"]:
        found["bought_mc"] = [report["bought_mc"], report["purchased_lots_mc"]]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument(
        "--seconds", type=float, default=1800, help="to spread the kills over; it ends after twice as many"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=ENGINES, default="sqlite")
    asked = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="steno-chaos-") as directory, database(asked.database) as url:
        report = run(asked.jobs, asked.kills, asked.seconds, asked.seed, url, Path(directory))
    report |= {"seed": asked.seed, "database": asked.database, "cores": os.cpu_count()}
    report |= {"load_before": round(before, 1), "load_after": round(os.getloadavg()[0], 1)}
    for name, value in report.items():
        print(f"{name:24} {len(value) if name in MUST_BE_EMPTY else value}")
    if bad := wrong(report):
        raise SystemExit(f"WRONG: {json.dumps(bad)[:20_000]}")
    print("Nothing was lost and nothing was charged twice.")


if __name__ == "__main__":
    main()
