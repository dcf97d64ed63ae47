"""How long somebody who tried too often has to wait. allauth counts; this reads its counts."""

import math
import time

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest

APP = "allauth.account"


def seconds_left(request: HttpRequest, action: str, key: str | None = None) -> int:
    """Until the next try of `action` is let through; 0 when it is now. `key` is what a limit "per key" counts by."""
    known = {"ip"} | ({"key"} if key else set()) | ({"user"} if request.user.is_authenticated else set())
    waits = [0.0]
    for rate in ratelimit.get_rates(app=APP, action=action):
        if rate.per not in known:
            continue
        # Newest first; the oldest that still counts makes room when it is `duration` old.
        history = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        if len(history) >= rate.amount:
            waits.append(history[rate.amount - 1] + rate.duration - time.time())
    return math.ceil(max(waits))


def in_words(seconds: int) -> str:
    """ "40 seconds", "1 minute", "5 minutes": never less than it is."""
    number, unit = (seconds, "second") if seconds < 60 else (math.ceil(seconds / 60), "minute")
    return f"{max(number, 1)} {unit}{'' if number <= 1 else 's'}"
