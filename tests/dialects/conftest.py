from collections.abc import Iterator

import pytest

from tests.api.conftest import anonymous, keyed, worker  # noqa: F401
from tests.dialects.server import Server, serving
from tests.transcripts.conftest import data_dir, engine  # noqa: F401


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("contract")) as server:
        yield server


@pytest.fixture(scope="session")
def speech(server: Server) -> bytes:
    return server.product.speech.read_bytes()
