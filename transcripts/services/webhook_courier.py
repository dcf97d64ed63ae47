"""Sends due webhooks from a worker's own process, in threads, so that no slow receiver holds a job or another up.

Which message is due, and who sends it, is a row's to say: any number of couriers may run. Here is only how many go to
one receiver at once, and how much of the whole those may take that have been failing.
"""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from django.db import connection
from django.db.models import Min
from django.utils import timezone

from stt_site.lib import doorbell
from stt_site.lib.db import UNREACHABLE
from transcripts.services import webhook_delivery, webhooks

logger = logging.getLogger(__name__)
THREADS = 16
FAILING_THREADS = 6
"""Of those, at most this many wait for receivers whose last try failed."""
PER_OWNER = 8
PER_RECEIVER = 4
POLL_SECONDS = 1.0
Receiver = tuple[str, int]


class Courier:
    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        self._lock = Lock()
        self._sending: dict[int, Receiver] = {}
        self._failing: set[str] = set()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping`; then what is under way is left to its lease, and sent again by whoever comes next."""
        with doorbell.Doorbell(webhooks.bell_path()) as bell:
            while not stopping():
                try:
                    self.send_due()
                except UNREACHABLE:
                    logger.warning("The database does not answer; webhooks wait.", exc_info=True)
                    connection.close()
                except Exception:
                    logger.exception("Due webhooks could not be looked for; it is tried again.")
                bell.wait(POLL_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def send_due(self) -> int:
        """Starts what may be started now, the longest waiting receiver first. Returns how many."""
        waiting = webhook_delivery.due(timezone.now())
        started = 0
        # By receiver, not by message: ten thousand for a dead one are one line here.
        for receiver, owner_id in (
            waiting.values_list("receiver", "owner_id")
            .annotate(first=Min("next_at"))
            .order_by("first")
            .values_list("receiver", "owner_id")
        ):
            room, busy = self._room((receiver, owner_id))
            if not room:
                continue
            mine = waiting.filter(receiver=receiver).exclude(pk__in=busy).order_by("next_at", "pk")
            for pk in mine.values_list("pk", flat=True)[:room]:
                self._start(pk, (receiver, owner_id))
                started += 1
        return started

    @property
    def busy(self) -> int:
        """How many are on their way."""
        with self._lock:
            return len(self._sending)

    def close(self) -> None:
        """Waits for what is under way."""
        self._pool.shutdown(wait=True)

    def _room(self, receiver: Receiver) -> tuple[int, list[int]]:
        """How many more may go to it, and which are on their way to anybody."""
        name, owner_id = receiver
        with self._lock:
            sending = list(self._sending.values())
            busy = list(self._sending)
            failing = name in self._failing
            to_failing = sum(each in self._failing for each, _ in sending)
        by_name, by_owner = Counter(each for each, _ in sending), Counter(owner for _, owner in sending)
        room = min(
            (1 if failing else PER_RECEIVER) - by_name[name],
            PER_OWNER - by_owner[owner_id],
            THREADS - len(sending),
            FAILING_THREADS - to_failing if failing else THREADS,
        )
        return max(0, room), busy

    def _start(self, pk: int, receiver: Receiver) -> None:
        with self._lock:
            self._sending[pk] = receiver
        self._pool.submit(self._deliver, pk, receiver)

    def _deliver(self, pk: int, receiver: Receiver) -> None:
        taken = None
        try:
            taken = webhook_delivery.deliver(pk)
        except Exception:
            logger.exception("Webhook %d was not recorded; it is sent again when its lease is over.", pk)
        finally:
            connection.close()
            with self._lock:
                del self._sending[pk]
                if taken is not None:
                    (self._failing.discard if taken else self._failing.add)(receiver[0])
            doorbell.ring(webhooks.bell_path())
