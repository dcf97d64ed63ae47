from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from pytest_django.fixtures import Settings

from stt_site.lib import doorbell, queue
from tests.transcripts.conftest import Commits

TASK = "tests.transcripts.test_queue.note"
noted: list[int] = []


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue.Conf, "POLL", 0)


def note(number: int) -> None:
    noted.append(number)
    if number < 0:
        raise ValueError("a defect in a task")


def take() -> list[tuple[None, str]]:
    broker = get_broker()
    assert isinstance(broker, queue.DoorbellBroker)
    return broker.dequeue() or []


@pytest.mark.django_db
def test_a_message_is_taken_once_and_calls_its_task() -> None:
    queue.ring(TASK, 7)
    [(_, payload)] = take()
    assert take() == []
    noted.clear()
    queue.deliver(payload)
    assert noted == [7]


@pytest.mark.django_db
def test_a_message_for_later_waits() -> None:
    queue.ring(TASK, 7, at=timezone.now() + timedelta(minutes=1))
    assert take() == []
    assert queue.pending(TASK) == {7}


@pytest.mark.django_db
def test_a_message_lives_and_dies_with_its_transaction() -> None:
    with transaction.atomic():
        queue.ring(TASK, 7)
        transaction.set_rollback(True)
    assert queue.pending(TASK) == set()


@pytest.mark.django_db
def test_the_bell_rings_when_the_message_can_be_seen(settings: Settings, commits: Commits) -> None:
    with doorbell.Doorbell(settings.WORKER_DOORBELL) as bell:
        with commits(execute=True):
            queue.ring(TASK, 7)
            assert not bell.wait(0.001)
        assert bell.wait(0.001)


@pytest.mark.django_db
def test_a_task_that_fails_does_not_take_the_worker_along() -> None:
    queue.ring(TASK, -1)
    [(_, payload)] = take()
    queue.deliver(payload)
    queue.deliver("not signed by us")


def test_ringing_where_nobody_listens_is_no_error(settings: Settings) -> None:
    doorbell.ring(settings.WORKER_DOORBELL)
    with doorbell.Doorbell(settings.WORKER_DOORBELL) as bell:
        for _ in range(1000):
            doorbell.ring(settings.WORKER_DOORBELL)
        assert bell.wait(0.001)


def test_a_killed_listeners_socket_is_taken_over(settings: Settings) -> None:
    killed = doorbell.Doorbell(settings.WORKER_DOORBELL)
    killed.listen()
    with doorbell.Doorbell(settings.WORKER_DOORBELL) as bell:
        doorbell.ring(settings.WORKER_DOORBELL)
        assert bell.wait(0.001)
        assert not killed.wait(0.001)
