from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.chaos.scratch import ENGINES, database


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of an empty database; "" is a SQLite file in the data directory."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(database(request.param))
        except psycopg.OperationalError as error:
            pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
        yield address
