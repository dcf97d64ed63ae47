"""A migrated database of its own for tests that race real processes, on either engine."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"


class Scratch:
    def __init__(self, url: str, directory: Path) -> None:
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "STT_DATA_DIR": str(directory),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONWARNINGS": "ignore",
        }

    def run(self, *arguments: str, **environment: str) -> str:
        """A Python program's stdout; its failure is the test's."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def race(self, racers: int, rounds: int, *scenarios: str, **environment: str) -> dict[str, Any]:
        output = self.run("-m", "tests.accounts.racers", str(racers), str(rounds), *scenarios, **environment)
        outcome: dict[str, Any] = json.loads(output.splitlines()[-1])
        return outcome


@contextmanager
def scratch_database(engine: str, directory: Path) -> Iterator[Scratch]:
    if engine == "sqlite":
        scratch = Scratch(f"sqlite:///{directory / 'race.sqlite3'}", directory)
        scratch.run("manage.py", "migrate", "-v0")
        yield scratch
        return
    name = f"race_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            scratch = Scratch(f"{POSTGRESQL}/{name}", directory)
            scratch.run("manage.py", "migrate", "-v0")
            yield scratch
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
