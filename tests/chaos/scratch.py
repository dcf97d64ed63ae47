"""A database for one run, outside pytest."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"
ENGINES = ("sqlite", "postgresql")


@contextmanager
def database(engine: str) -> Iterator[str]:
    """Its address; "" is the data directory's own SQLite file. Raises psycopg.OperationalError."""
    if engine == "sqlite":
        yield ""
        return
    name = f"chaos_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRESQL}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
