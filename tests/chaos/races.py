"""Races between real processes over one SQLite file, reported as JSON.

python -m tests.chaos.races claim|cancel|close|zombie ROUNDS
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.db.models import Q  # noqa: E402

from accounts.models import Reservation, User  # noqa: E402
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


def close(ids: list[int]) -> dict[str, Any]:
    """The worker is killed on either side of the COMMIT that ends its job, by turns."""
    states = []
    for number, pk in enumerate(ids):
        inside = number % 2 == 0

        def finish(pk: int = pk, inside: bool = inside) -> None:
            lease = leases.claim(pk)
            assert lease is not None
            with transaction.atomic():
                closing.succeed(lease, RESULT)
                if inside:
                    os.kill(os.getpid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

        process = FORK.Process(target=finish)
        connections.close_all()
        process.start()
        process.join()
        job = Job.objects.select_related("transcript").get(pk=pk)
        hold = Reservation.objects.get(reference=leases.slot(pk))
        states.append([inside, process.exitcode, job.state, job.transcript.text, hold.state, hold.charged_mc])
    return {"states": states, "breaches": [list(breach) for breach in audit()]}


def zombie(ids: list[int]) -> dict[str, Any]:
    """A worker stops in the middle, another finishes its job, and the first goes on as if nothing had been."""
    connections.close_all()
    late = FORK.RawArray("i", len(ids))
    sleepers = [FORK.Process(target=_sleep_through, args=(pk, place, late)) for place, pk in enumerate(ids)]
    for sleeper in sleepers:
        sleeper.start()
        assert sleeper.pid
        os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
    time.sleep(settings.JOB_LEASE_SECONDS + 0.1)
    taken = [leases.claim(pk) for pk in ids]
    finished = [lease is not None and closing.succeed(lease, RESULT) for lease in taken]
    connections.close_all()
    for sleeper in sleepers:
        assert sleeper.pid
        os.kill(sleeper.pid, signal.SIGCONT)
        sleeper.join(60)
    jobs = list(Job.objects.select_related("transcript"))
    return {
        "finished": sum(finished),
        "late_writes": sum(late),
        "fences": sorted({job.fence for job in jobs}),
        "texts": sorted({job.transcript.text for job in jobs}),
        "charged": sorted({job.charged_mc for job in jobs}),
        "breaches": [list(breach) for breach in audit()],
    }


def _sleep_through(pk: int, place: int, late: Any) -> None:
    lease = leases.claim(pk)
    assert lease is not None
    connections.close_all()
    os.kill(os.getpid(), signal.SIGSTOP)
    late[place] = closing.succeed(lease, Result("Too late.", "en", 1.0, 90.0, (), "none"))


SCENARIOS = {"claim": claim, "cancel": cancel, "close": close, "zombie": zombie}

if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]](make_jobs(int(sys.argv[2])))))
    sys.stdout.flush()
    os._exit(0)
