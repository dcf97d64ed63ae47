import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.accounts.scratch import scratch_database

pytestmark = pytest.mark.slow

EXPECTED: dict[str, set[str]] = {
    "remote": {"remote", "sea"},
    "REMOTE": {"remote", "sea"},
    "remo": {"remote", "sea"},
    "mote": set(),
    "remote sea": {"sea"},
    '"sea remote"': set(),
    '"the remote sea"': {"sea"},
    '"remote the"': set(),
    "jose cafe": {"price"},
    "José": {"price"},
    "strasse": {"price"},
    "fif": {"price"},
    "twelve fifty": {"price"},
    "fifty twelve": {"price"},
    '"fifty twelve"': set(),
    "isn't": {"sea"},
    '"isn t"': {"sea"},
    "भाषा": {"hindi"},
    "हिन्दी": {"hindi"},
    "東京": {"japanese"},
    "会議": {"japanese"},
    "議": {"japanese"},
    "東京会議": set(),
    '"京で会"': {"japanese"},
    "ไทย": {"thai"},
    "ช่องว่าง": {"thai"},
    "회의": {"korean"},
    "συναντηση": {"greek"},
    "елка": {"russian"},
    # What a database would take for an operator is a word like any other.
    '" OR terms:*': set(),
    "remote NOT sea": set(),
    "remote AND": set(),
    "a*": {"remote", "price"},
    "NEAR(remote sea)": set(),
    "whose:o1": set(),
    "'; DROP TABLE x; --": set(),
    "remote & !sea": {"sea"},
    "remote | x": set(),
    "se:*": {"sea"},
    "\\": set(),
    "()": set(),
    "%": set(),
    "…": set(),
    "''": set(),
    "remote\x00sea": {"sea"},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with scratch_database(request.param, tmp_path_factory.mktemp("searches")) as scratch:
        yield json.loads(scratch.run("-m", "tests.transcripts.searches").splitlines()[-1])


def test_words_phrases_beginnings_and_scripts_without_spaces_are_found(told: dict[str, Any]) -> None:
    words = {query: set(told["answers"][query]["words"]) for query in EXPECTED}
    assert words == EXPECTED


def test_what_names_a_word_is_put_first(told: dict[str, Any]) -> None:
    assert {query: told["answers"][query]["both"] for query in ("twelve fifty", "東京", "भाषा", "remote sea")} == {
        "twelve fifty": ["price"],
        "東京": ["japanese"],
        "भाषा": ["hindi"],
        "remote sea": ["sea"],
    }


def test_what_was_deleted_is_found_no_more(told: dict[str, Any]) -> None:
    assert (told["gone"], told["kept"]) == ([], ["remote"])
