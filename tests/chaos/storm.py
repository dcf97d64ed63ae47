"""One storm: a stream of jobs, seeded blows at random moments, and afterwards an account of everything as JSON.

    python -m tests.chaos.storm worker|engine|restart BLOWS SEED SECONDS

A blow is a SIGKILL of one of the worker's or the engine's processes, or a SIGTERM and a new start of the worker.
"""

import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import psutil

django.setup()

from django.db import connection  # noqa: E402

from stt_site.lib.errors import ServiceError  # noqa: E402
from tests.chaos import arena  # noqa: E402
from transcripts import storage  # noqa: E402
from transcripts.models import Job, JobState  # noqa: E402
from transcripts.services.audit import audit  # noqa: E402

AT_ONCE = 6
RECORDINGS = 3
LONGEST_CALM = 1.6
"""Seconds between two kills at most."""


def main(target: str, blows: int, seed: int, seconds: float) -> dict[str, Any]:
    caller = arena.prepare()
    recordings = arena.recordings(RECORDINGS, seed)
    with arena.server() as server:
        calm = {path.name: arena.send(caller, path).pk for path in recordings}
        arena.until(lambda: arena.open_jobs() == 0, 120)
        storm = Storm(server, target, random.Random(seed))
        storm.rage(lambda: keep_busy(caller, recordings, storm.chance), blows, seconds)
        arena.until(lambda: calm_again(server), 120)
        storm.stops.append(server.stop("worker"))
    return {"blows": storm.blows, "slowest_stop": max(storm.stops), **account(calm)}


def calm_again(server: arena.Server) -> bool:
    server.revive()
    return arena.open_jobs() == 0


def keep_busy(caller: Any, recordings: list[Path], chance: random.Random) -> None:
    while arena.open_jobs() < AT_ONCE:
        try:
            arena.send(caller, chance.choice(recordings), interactive=chance.random() < 0.3)
        except ServiceError:
            return  # the engine has just been killed, or the plan's places are taken; nothing was accepted


class Storm:
    def __init__(self, server: arena.Server, target: str, chance: random.Random) -> None:
        self.chance = chance
        self.blows = 0
        self.stops: list[float] = []
        self._server = server
        self._target = target

    def rage(self, keep_busy: Callable[[], None], blows: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.blows < blows and time.monotonic() < deadline:
            # An engine that is killed before it answers has no work to lose.
            with contextlib.suppress(TimeoutError):
                arena.until(arena.engine_answers, 3.0)
            keep_busy()
            time.sleep(self.chance.uniform(0.05, LONGEST_CALM))
            if self._target == "restart":
                self._restart()
            else:
                self._kill()
            self._server.revive()

    def _restart(self) -> None:
        self.stops.append(self._server.stop("worker"))
        self._server.start("worker")
        self.blows += 1

    def _kill(self) -> None:
        victims = self._server.members(self._target)
        busy = [victim for victim in victims if victim.pid in arena.busy_workers()]
        if victims:
            # Mostly where it hurts; now and then the pusher, the monitor, the sentinel, the command itself.
            with contextlib.suppress(psutil.NoSuchProcess):
                self.chance.choice(busy if busy and self.chance.random() < 0.85 else victims).kill()
                self.blows += 1


def account(calm: dict[str, int]) -> dict[str, Any]:
    texts = {name: shape(Job.objects.get(pk=pk)) for name, pk in calm.items()}
    jobs = list(Job.objects.select_related("media", "transcript"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT job_id || ':' || number) FROM chunk_log")
        stored, distinct = cursor.fetchone()
    return {
        "jobs": len(jobs),
        "states": Counter(job.state for job in jobs),
        "errors": Counter(job.error_code for job in jobs if job.error_code),
        "claims": sum(job.fence for job in jobs),
        "resumed": sum(job.fence > 1 for job in jobs),
        "chunks_stored": stored,
        "chunks_stored_twice": stored - distinct,
        "different_text": [
            job.pk for job in jobs if job.state == JobState.SUCCEEDED and shape(job) != texts[job.media.filename]
        ],
        "words": sum(job.transcript.word_count for job in jobs),
        "charged_wrong": [job.pk for job in jobs if job.charged_mc != price(job)],
        "breaches": [list(breach) for breach in audit()],
        "uploads_left": [path.name for path in storage.incoming_files(time.time()) if "scratch-" not in path.name],
    }


def shape(job: Job) -> list[list[Any]]:
    rows = job.transcript.segments.values_list("order", "start", "end", "text", "words")
    return [list(row) for row in rows]


def price(job: Job) -> int:
    if job.state != JobState.SUCCEEDED:
        return 0
    return -(-(job.transcript.duration_ms or 0) // 60_000) * 1000


if __name__ == "__main__":
    report = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps(report))
    sys.stdout.flush()
    os._exit(0)
