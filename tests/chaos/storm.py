"""One storm: a stream of jobs, seeded SIGKILLs at random moments, and afterwards an account of everything as JSON.

python -m tests.chaos.storm worker|engine KILLS SEED SECONDS
"""

import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django
import psutil

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.services.audit import audit  # noqa: E402
from stt_site.lib.errors import ServiceError  # noqa: E402
from tests.chaos import arena  # noqa: E402
from transcripts.models import Job, JobState  # noqa: E402

AT_ONCE = 6
RECORDINGS = 3
LONGEST_CALM = 2.0
"""Seconds between two kills at most."""


def main(target: str, kills: int, seed: int, seconds: float) -> dict[str, Any]:
    caller = arena.prepare()
    recordings = arena.recordings(RECORDINGS, seed)
    with arena.server() as server:
        calm = {path.name: arena.send(caller, path).pk for path in recordings}
        arena.until(lambda: arena.open_jobs() == 0, 120)
        killed = rage(server, target, caller, recordings, kills, random.Random(seed), seconds)
        arena.until(lambda: calm_again(server), 120)
        stopped_in = server.stop("worker")
    return {"killed": killed, "stopped_in": stopped_in, **account(calm)}


def calm_again(server: arena.Server) -> bool:
    server.revive()
    return arena.open_jobs() == 0


def rage(
    server: arena.Server,
    target: str,
    caller: Any,
    recordings: list[Path],
    kills: int,
    chance: random.Random,
    seconds: float,
) -> int:
    deadline = time.monotonic() + seconds
    killed = 0
    while killed < kills and time.monotonic() < deadline:
        while arena.open_jobs() < AT_ONCE:
            try:
                arena.send(caller, chance.choice(recordings), interactive=chance.random() < 0.3)
            except ServiceError:
                break  # the engine has just been killed, or the plan's places are taken; nothing was accepted
        time.sleep(chance.uniform(0.05, LONGEST_CALM))
        victims = server.members(target)
        busy = [victim for victim in victims if victim.pid in arena.busy_workers()]
        if victims:
            # Mostly where it hurts; now and then the pusher, the monitor, the sentinel, the command itself.
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(busy if busy and chance.random() < 0.85 else victims).kill()
                killed += 1
        server.revive()
    return killed


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
        "resumed": sum(job.fence > 1 for job in jobs),
        "chunks_stored": stored,
        "chunks_stored_twice": stored - distinct,
        "different_text": [
            job.pk for job in jobs if job.state == JobState.SUCCEEDED and shape(job) != texts[job.media.filename]
        ],
        "words": sum(job.transcript.word_count for job in jobs),
        "charged_wrong": [job.pk for job in jobs if job.charged_mc != price(job)],
        "breaches": [list(breach) for breach in audit()],
        "incoming_left": len(list((settings.DATA_DIR / "incoming").iterdir())),
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
