"""Who waits for whom, and what a killed sender costs: tests/webhooks/couriers.py on SQLite in a file and PostgreSQL."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.scratch import Scratch, scratch_database
from transcripts.services.webhook_courier import PER_RECEIVER

pytestmark = pytest.mark.slow
LOCAL = {"STT_OUTBOUND_ALLOW": "127.0.0.1/32"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scratch]:
    with scratch_database(request.param, tmp_path) as scratch:
        yield scratch


def played(database: Scratch, *arguments: str, **environment: str) -> dict[str, Any]:
    output = database.run("-m", "tests.webhooks.couriers", *arguments, **LOCAL, **environment)
    outcome: dict[str, Any] = json.loads(output.splitlines()[-1])
    return outcome


def test_w4_a_dead_receiver_with_many_messages_holds_nobody_up(database: Scratch) -> None:
    outcome = played(database, "dead_receiver", "10000")
    assert outcome["healthy"] == 20
    assert 0 < outcome["held"] <= PER_RECEIVER
    assert outcome["untouched"] >= 10_000 - PER_RECEIVER - 1


def test_a_failing_receiver_is_asked_one_at_a_time(database: Scratch) -> None:
    assert played(database, "failing_receiver") == {"most": 1}


def test_senders_side_by_side_send_each_message_once(database: Scratch) -> None:
    assert played(database, "side_by_side") == {"sent": 60, "different": 60}


def test_w3_killed_senders_lose_no_message(database: Scratch) -> None:
    outcome = played(database, "kills", "40")
    assert outcome.pop("least") >= 1
    assert outcome == {"messages": 120, "killed": 40, "bodies": 120}
