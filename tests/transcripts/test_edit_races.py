import json
from collections.abc import Iterator

import pytest

from tests.accounts.scratch import Scratch, scratch_database

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    with scratch_database(request.param, tmp_path_factory.mktemp("edits")) as scratch:
        yield scratch


def test_one_of_two_hands_wins_a_turn_and_none_waits_for_nothing(database: Scratch) -> None:
    rounds = json.loads(database.run("-m", "tests.transcripts.edit_racers").splitlines()[-1])
    assert [each["same"] for each in rounds] == [["saved", *["shown both"] * 3]] * 5
    assert [each["apart"] for each in rounds] == [["saved"] * 4] * 5
    assert [each["numbers"] for each in rounds] == [[1, 2, 3, 4]] * 5
