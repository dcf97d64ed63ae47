"""Races between real processes over one SQLite file, reported as JSON.

python -m tests.chaos.races claim|cancel ROUNDS
"""

import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models import Q  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import ledger  # noqa: E402
from engine.types import Options, to_dict  # noqa: E402
from engine.types import Transcript as Result  # noqa: E402
from stt_site.lib.ids import new_id  # noqa: E402
from transcripts.models import Job, JobState, Media, Origin, Transcript  # noqa: E402
from transcripts.services import closing, jobs, leases  # noqa: E402
from transcripts.services.audit import audit  # noqa: E402

RACERS = 5
FORK = multiprocessing.get_context("fork")
RESULT = Result("Hello.", "en", 1.0, 30.0, (), "none")


def make_jobs(count: int) -> list[int]:
    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("race@example.org")
    ledger.grant(owner, 10_000_000, actor="test", reason="a race")
    made = []
    for _ in range(count):
        media = Media.objects.create(key=new_id(22), owner=owner, filename="a", size=1, sha256="", format="wav")
        job = Job.objects.create(
            owner=owner,
            caller=f"user:{owner.pk}",
            media=media,
            origin=Origin.API,
            interactive=True,
            options=to_dict(Options()),
            not_before=owner.date_joined,
            reserved_mc=1000,
        )
        ledger.reserve(owner, leases.slot(job.pk), 1000)
        Transcript.objects.create(
            public_id=f"tr_{job.pk}", slug=f"race-{job.pk}", owner=owner, media=media, job=job, title="Race"
        )
        made.append(job.pk)
    connections.close_all()
    return made


def race(racers: list[Callable[[int], bool]], ids: list[int]) -> list[int]:
    """Each racer meets every job at the same moment as the others. Returns how often each won."""
    barrier = FORK.Barrier(len(racers))
    wins = FORK.RawArray("i", len(racers))

    def run(place: int, act: Callable[[int], bool], barrier: Barrier) -> None:
        for pk in ids:
            barrier.wait(60)
            wins[place] += act(pk)

    processes = [FORK.Process(target=run, args=(place, act, barrier)) for place, act in enumerate(racers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [wins[place] for place in range(len(racers))]


def claim(ids: list[int]) -> dict[str, Any]:
    wins = race([lambda pk: leases.claim(pk) is not None] * RACERS, ids)
    fences = Counter(Job.objects.values_list("fence", flat=True))
    return {"claims": sum(wins), "winners": sum(win > 0 for win in wins), "fences": dict(fences)}


def cancel(ids: list[int]) -> dict[str, Any]:
    held = {pk: leases.claim(pk) for pk in ids}
    connections.close_all()

    def finish(pk: int) -> bool:
        lease = held[pk]
        assert lease is not None
        if closing.succeed(lease, RESULT):
            return True
        closing.cancel(Q(lease.mine, cancel_requested=True))
        return False

    def give_up(pk: int) -> bool:
        jobs.request_cancel(pk)
        return False

    race([finish, give_up], ids)
    rows = Job.objects.select_related("transcript")
    return {
        "states": Counter(job.state for job in rows),
        "wrong": [
            job.pk
            for job in rows
            if (job.charged_mc, job.transcript.text)
            != ((1000, "Hello.") if job.state == JobState.SUCCEEDED else (0, ""))
        ],
        "breaches": [list(breach) for breach in audit()],
    }


if __name__ == "__main__":
    print(json.dumps({"claim": claim, "cancel": cancel}[sys.argv[1]](make_jobs(int(sys.argv[2])))))
    sys.stdout.flush()
    os._exit(0)
