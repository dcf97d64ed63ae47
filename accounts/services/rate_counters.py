"""Where rate limits count: one number a caller and bucket, moved by one atomic statement (GCRA), so racers cannot pass.

The number is the time at which the next request would be exactly on schedule; a request moves it on by `cost`, and is
refused where that would put it more than `tolerance` ahead of now. All are microseconds.

Redis counts where there is one, within 0.2 s; while it does not answer, the database does, from what it knows itself.
"""

import logging
import sqlite3
import time
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from accounts.models import RateCounter

logger = logging.getLogger(__name__)
REDIS_SECONDS = 0.1
"""To connect, and again to answer."""
REDIS_REST_SECONDS = 5.0
"""How long a Redis that failed is left alone: not every request has to find out."""

TAKE = """
INSERT INTO accounts_ratecounter (name, tat) VALUES (%(name)s, %(now)s + %(cost)s)
ON CONFLICT (name) DO UPDATE SET tat = {greatest}(accounts_ratecounter.tat, %(now)s) + %(cost)s
WHERE {greatest}(accounts_ratecounter.tat, %(now)s) + %(cost)s - %(now)s <= %(tolerance)s
RETURNING tat
"""
# Lua's numbers are doubles: whole microseconds stay exact for another 250 years.
TAKE_IN_REDIS = """
local now, cost, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = tonumber(redis.call('GET', KEYS[1]) or '0')
local moved = math.max(tat, now) + cost
if moved - now > tolerance then return {0, tat} end
redis.call('SET', KEYS[1], string.format('%.0f', moved), 'PX', math.ceil((moved - now) / 1000))
return {1, moved}
"""


class Count(NamedTuple):
    allowed: bool
    tat: int


_redis_rests_until = 0.0


def take(name: str, *, now: int, cost: int, tolerance: int) -> Count:
    """Raises django.db.Error where nobody can count."""
    global _redis_rests_until
    if settings.REDIS_URL and time.monotonic() >= _redis_rests_until:
        try:
            allowed, tat = _script(settings.REDIS_URL)(keys=[f"rate:{name}"], args=[now, cost, tolerance])
            return Count(bool(allowed), int(tat))
        except RedisError as error:
            _redis_rests_until = time.monotonic() + REDIS_REST_SECONDS
            logger.warning("Redis does not answer (%s); rates are counted in the database.", error)
    return _take_in_database(name, now, cost, tolerance)


def forget_before(now: int) -> None:
    """A number in the past limits nobody."""
    RateCounter.objects.filter(tat__lt=now).delete()


def _take_in_database(name: str, now: int, cost: int, tolerance: int) -> Count:
    connection = connections[settings.COUNTERS]
    if settings.COUNTERS != DEFAULT_DB_ALIAS:
        _anchor(str(connection.settings_dict["NAME"]))
    statement = TAKE.format(greatest="GREATEST" if connection.vendor == "postgresql" else "max")
    with connection.cursor() as cursor:
        cursor.execute(statement, {"name": name, "now": now, "cost": cost, "tolerance": tolerance})
        if taken := cursor.fetchone():
            return Count(True, taken[0])
        cursor.execute("SELECT tat FROM accounts_ratecounter WHERE name = %s", [name])
        return Count(False, (cursor.fetchone() or (now,))[0])


@cache
def _anchor(path: str) -> sqlite3.Connection:
    """Requests open and close the counters' file, and whoever closes it last writes its log back and waits for the
    disk. With this connection open for as long as the process lives, no request is the last."""
    anchor = sqlite3.connect(path, check_same_thread=False)
    anchor.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return anchor


@cache
def _script(url: str) -> Script:
    timeouts = {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS}
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **timeouts).register_script(TAKE_IN_REDIS)
