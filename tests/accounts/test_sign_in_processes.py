"""Sign-ins are counted in one place for all processes, and Redis has no part in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.accounts.scratch import ROOT, Scratch, scratch_database
from tests.conftest import PASSWORD

pytestmark = pytest.mark.slow
DEAD_REDIS = "redis://127.0.0.1:9/0"
MAKE_ALICE = f"""
import django; django.setup()
from accounts.models import User
User.objects.create_user("alice@example.com", {PASSWORD!r})
"""


def race(scratch: Scratch, *passwords: str, tries: int) -> list[int]:
    """One process for each password; how many of its tries were looked at."""
    command = [sys.executable, "-m", "tests.accounts.sign_in_racer", "alice@example.com"]
    racers = [
        subprocess.Popen(
            [*command, password, str(tries)],
            cwd=ROOT,
            env=scratch.environment | {"REDIS_URL": DEAD_REDIS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for password in passwords
    ]
    outputs = []
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, err = racer.communicate(timeout=120)
        assert racer.returncode == 0, err[-4000:]
        outputs.append(int(out))
    return outputs


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_processes_together_have_five_tries_and_need_no_redis(engine: str, tmp_path: Path) -> None:
    with scratch_database(engine, tmp_path) as scratch:
        scratch.run("-c", MAKE_ALICE)
        assert race(scratch, PASSWORD, tries=1) == [1]
        assert 1 <= sum(race(scratch, "wrong", "wrong", tries=5)) <= 5
        # Now nobody gets in, with the right password neither, from a third process.
        assert race(scratch, PASSWORD, tries=1) == [0]
