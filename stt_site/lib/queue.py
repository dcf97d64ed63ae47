"""The doorbell between web and worker: messages through django-q2's queue.

A message says "look at row N", never more. Taking it removes it: the row it speaks of, with its lease and its fence,
decides who does what and when again, and the sweeper rings again for rows whose message was lost. So nothing here
counts attempts, retries or times out.
"""

import contextlib
import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis as RedisList
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import BadSignature, SignedPackage
from django_q.tasks import async_task
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from stt_site.lib import doorbell

logger = logging.getLogger(__name__)
STALE = timedelta(days=7)
LATER = timedelta(seconds=1)
"""Put off by so much, work that nobody waits for leaves the processors to an answer that somebody waits for."""


class DoorbellBroker(ORM):  # type: ignore[misc]
    """The ORM broker, without its wait for the next poll and without its redelivery."""

    bell: doorbell.Doorbell | None = None
    not_before: datetime | None = None

    def enqueue(self, task: str) -> int:
        row = OrmQ.objects.create(key=self.list_key, payload=task, lock=self.not_before or timezone.now())
        transaction.on_commit(lambda: doorbell.ring(settings.WORKER_DOORBELL))
        return int(row.pk)

    def dequeue(self) -> list[tuple[None, str]] | None:
        if transaction.get_autocommit():
            close_old_connections()
        if taken := _take_row(self.list_key):
            return taken
        if self.bell:
            self.bell.wait(Conf.POLL)
        else:
            time.sleep(Conf.POLL)
        return None


class RedisBroker(RedisList):  # type: ignore[misc]
    """A Redis list, which wakes workers of every machine. The database keeps what Redis cannot take: messages for
    later, and all of them while it does not answer."""

    not_before: datetime | None = None

    @staticmethod
    def get_connection(list_key: str | None = None) -> Redis:
        return Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **settings.REDIS_TIMEOUTS)

    def enqueue(self, task: str) -> int:
        if self.not_before is None:
            try:
                return int(super().enqueue(task))
            except RedisError as error:
                logger.warning("Redis does not answer (%s); the message goes to the database.", error)
        return int(OrmQ.objects.create(key=self.list_key, payload=task, lock=self.not_before or timezone.now()).pk)

    def dequeue(self) -> list[tuple[None, str]] | None:
        if transaction.get_autocommit():
            close_old_connections()
        if taken := _take_row(self.list_key):
            return taken
        try:
            messages: list[tuple[None, str]] | None = super().dequeue()
        except RedisError as error:
            logger.warning("Redis does not answer (%s); messages come from the database.", error)
            time.sleep(Conf.POLL)
            return None
        return messages


def _take_row(key: str) -> list[tuple[None, str]] | None:
    # A few, because other workers look at the same first rows.
    for row in OrmQ.objects.filter(key=key, lock__lte=timezone.now()).order_by("id")[:8]:
        if OrmQ.objects.filter(id=row.id).delete()[0]:
            return [(None, row.payload)]
    return None


def ring(task: str, *ids: int, at: datetime | None = None) -> None:
    """Have a worker call `task`, a dotted path, with `ids`, not before `at`. Inside a transaction the message lives
    and dies with it."""
    broker = get_broker()
    broker.not_before = at
    if settings.REDIS_URL:
        transaction.on_commit(lambda: async_task(task, *ids, broker=broker), robust=True)
    else:
        async_task(task, *ids, broker=broker)


def pending(task: str) -> set[int]:
    """First arguments of the messages for `task` that nobody has taken yet."""
    broker = get_broker()
    payloads: list[Any] = list(OrmQ.objects.filter(key=broker.list_key).values_list("payload", flat=True))
    if settings.REDIS_URL:
        # What hangs with Redis is rung again, into the database; a message too many does no harm.
        with contextlib.suppress(RedisError):
            payloads += broker.connection.lrange(broker.list_key, 0, -1)
    messages = (_read(payload) for payload in payloads)
    return {message["args"][0] for message in messages if message and message["func"] == task and message["args"]}


def purge() -> None:
    """Remove messages that no worker ever wanted."""
    OrmQ.objects.filter(lock__lt=timezone.now() - STALE).delete()


def listen() -> doorbell.Doorbell:
    """Called once, before the cluster is forked."""
    bell = doorbell.Doorbell(settings.WORKER_DOORBELL)
    bell.listen()
    DoorbellBroker.bell = bell
    return bell


def _read(payload: Any) -> dict[str, Any] | None:
    try:
        message: dict[str, Any] = SignedPackage.loads(payload)
    except (TypeError, BadSignature):
        logger.error("A message in the queue is not signed with this server's secret; it is ignored.")
        return None
    return message
