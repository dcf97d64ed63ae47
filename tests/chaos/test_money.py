"""A short run of `python -m tests.chaos.money` and of `python -m tests.chaos.last_credit`, on either database."""

import os
from pathlib import Path

import pytest

from tests.chaos.last_credit import __main__ as last_credit
from tests.chaos.money import __main__ as money

JOBS = int(os.environ.get("STENO_MONEY_JOBS", "60"))
KILLS = int(os.environ.get("STENO_MONEY_KILLS", "30"))
SECONDS = float(os.environ.get("STENO_MONEY_SECONDS", "60"))
ATTEMPTS = int(os.environ.get("STENO_RACE_ATTEMPTS", "2048"))
SEED = int(os.environ.get("STENO_CHAOS_SEED", "1"))

pytestmark = pytest.mark.slow


def test_clients_top_ups_and_kills_lose_and_double_nothing(url: str, tmp_path: Path) -> None:
    report = money.run(JOBS, KILLS, SECONDS, SEED, url, tmp_path)
    print(report)
    assert money.wrong(report) == {}
    assert report["kills"] >= KILLS
    assert report["jobs"] >= JOBS
    assert set(report["killed"]) == {"web", "worker", "engine"}
    assert report["claimed_again"] > 0
    assert report["top_ups"] > 0
    assert report["payments"] >= report["top_ups"]


def test_64_racers_overspend_nothing(url: str, tmp_path: Path) -> None:
    report = last_credit.run(ATTEMPTS, 64, 300, SEED, url, tmp_path)
    print(report)
    assert last_credit.wrong(report) == []
    assert report["attempts"] == ATTEMPTS
    assert report["winners"] == report["accounts"] == ATTEMPTS // 64 // 4
