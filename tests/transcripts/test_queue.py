from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django.fixtures import Settings

from stt_site.lib import doorbell, queue
from tests.transcripts.conftest import Commits

TASK = "transcripts.tasks.run_job"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "POLL", 0)


def take() -> list[tuple[None, str]]:
    broker = get_broker()
    assert isinstance(broker, queue.DoorbellBroker)
    return broker.dequeue() or []


@pytest.mark.django_db
def test_a_message_is_taken_once() -> None:
    queue.ring(TASK, 7)
    [(_, payload)] = take()
    message = SignedPackage.loads(payload)
    assert (message["func"], message["args"]) == (TASK, (7,))
    assert take() == []


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
def test_a_message_of_somebody_else_is_not_read() -> None:
    queue.ring(TASK, 7)
    OrmQ.objects.create(key="jobs", payload="not signed by us", lock=timezone.now())
    assert queue.pending(TASK) == {7}


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
