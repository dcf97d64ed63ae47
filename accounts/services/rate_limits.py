"""How often a caller may ask. Buckets are data (RATE_LIMITS); `rate_counters` counts.

Full, a bucket lets its whole quota through at once; then requests come back one by one, evenly over its window.
"""

import logging
import math
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from accounts.services import rate_counters
from accounts.services.access import Caller
from stt_site.lib.errors import ErrorCode, ServiceError

logger = logging.getLogger(__name__)
MICROSECONDS = 1_000_000
WINDOW_SECONDS = 60

Name = Literal["reads", "writes", "work", "text", "uploads"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """`costly`: behind it a graphics card works, so nobody passes uncounted while the counters are down."""

    name: Name
    costly: bool = False
    per_key: bool = False

    @property
    def quota(self) -> int:
        """Requests a window."""
        return max(1, int(settings.RATE_LIMITS[self.name]))


BUCKETS: dict[Name, Bucket] = {
    bucket.name: bucket
    for bucket in (
        Bucket("reads"),
        Bucket("writes"),
        Bucket("work", costly=True),
        Bucket("text", costly=True, per_key=True),
        Bucket("uploads"),
    )
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller is in a bucket after a request. `reset` is in seconds from now, when the quota is whole again."""

    bucket: Bucket
    allowed: bool
    remaining: int
    reset: int
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        """The IETF draft's, and those that most clients read; X-RateLimit-Reset is a Unix time."""
        name, quota = self.bucket.name, self.bucket.quota
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset}',
            "X-RateLimit-Limit": str(quota),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(timezone.now().timestamp()) + self.reset),
        }

    def require(self) -> None:
        if not self.allowed:
            message = (
                f"More than {self.bucket.quota} requests a minute. Nothing was charged; retry in {self.retry_after} s."
            )
            raise ServiceError(ErrorCode.RATE_LIMIT, message, retry_after=self.retry_after)


def take(caller: Caller, name: Name) -> Standing | None:
    """Counts one request. None: the counters are down and the request is cheap enough to let it pass; a costly one is
    refused with ENGINE_UNAVAILABLE."""
    bucket = BUCKETS[name]
    cost = max(1, WINDOW_SECONDS * MICROSECONDS // bucket.quota)
    tolerance = cost * bucket.quota
    whose = f"key:{caller.api_key_id}" if bucket.per_key and caller.api_key_id else caller.key
    now = _now()
    try:
        count = rate_counters.take(f"{name}:{whose}", now=now, cost=cost, tolerance=tolerance)
    except DatabaseError as error:
        logger.exception("Nobody can count requests; reads pass, work does not.")
        if bucket.costly:
            message = "The server cannot check its limits at the moment. Nothing was charged; retry soon."
            raise ServiceError(ErrorCode.ENGINE_UNAVAILABLE, message, retry_after=5) from error
        return None
    ahead = max(0, count.tat - now)
    return Standing(
        bucket,
        count.allowed,
        remaining=max(0, (tolerance - ahead) // cost) if count.allowed else 0,
        reset=math.ceil(ahead / MICROSECONDS),
        retry_after=0 if count.allowed else max(1, math.ceil((ahead + cost - tolerance) / MICROSECONDS)),
    )


def purge() -> None:
    rate_counters.forget_before(_now())


def _now() -> int:
    return int(timezone.now().timestamp() * MICROSECONDS)
