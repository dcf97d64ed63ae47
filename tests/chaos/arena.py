"""A server of its own for one test: a database, an engine process, worker processes, and what they leave behind.

Runs in a process of its own (see `storm`), because settings are read once and the test's own database is another.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from accounts.services import ledger, plans
from accounts.services.access import Caller
from engine.errors import EngineGone
from engine.types import Options
from stt_site.lib.ids import new_id
from transcripts import engine_gateway, storage
from transcripts.models import OPEN_STATES, Job, JobState
from transcripts.services.submit import Order, StoredUpload, submit

ROOT = Path(__file__).resolve().parents[2]
RATE = 16_000


class Server:
    """Processes by name, each in a process group of its own; a dead one is started again by `revive`."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log = (settings.DATA_DIR / "server.log").open("ab")

    def start(self, name: str) -> None:
        # A worker takes seconds to begin, and this process may be killed within them.
        parent = "--exit-with-parent" if name == "engine" else f"--exit-with-parent={os.getpid()}"
        command = [sys.executable, "manage.py", f"run{name}", parent]
        self.processes[name] = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT)

    def revive(self) -> None:
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name)

    def members(self, name: str) -> list[psutil.Process]:
        """The engine is one process (its decoders, killed, say something about a file); a worker is a whole cluster."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.processes[name].pid)
            return [process, *(process.children(recursive=True) if name == "worker" else ())]
        return []

    def stop(self, name: str) -> float:
        """Seconds from SIGTERM to the end."""
        started = time.monotonic()
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        return time.monotonic() - started

    def close(self) -> None:
        for name in list(self.processes):
            self.stop(name)
        self._log.close()


@contextlib.contextmanager
def server() -> Iterator[Server]:
    running = Server()
    try:
        running.start("engine")
        running.start("worker")
        until(lambda: Path(settings.ENGINE_SOCKET).exists(), 60)
        yield running
    finally:
        running.close()


def prepare() -> Caller:
    """Migrate, log every checkpoint that is ever stored, and make a caller rich enough."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE chunk_log (job_id, number, fence)")
        cursor.execute(
            "CREATE TRIGGER log_chunk AFTER INSERT ON transcripts_jobchunk "
            "BEGIN INSERT INTO chunk_log VALUES (new.job_id, new.'index', new.fence); END"
        )
    owner = User.objects.create_user("storm@example.org")
    ledger.grant(owner, 100_000_000, actor="test", reason="a storm is coming")
    return Caller(owner, None, "127.0.0.1", plans.plan_of(owner))


def recordings(count: int, seed: int) -> list[Path]:
    """Long enough for several checkpoints: sentences of the bundled clips, shuffled, with pauses between."""
    clips = sorted((ROOT / "tests" / "fixtures" / "clips").glob("en-*.wav"))
    chance = random.Random(seed)
    made = []
    for number in range(count):
        path = settings.DATA_DIR / f"recording-{number}.wav"
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            while out.tell() < 45 * RATE:
                with wave.open(str(chance.choice(clips))) as clip:
                    out.writeframes(clip.readframes(clip.getnframes()))
                out.writeframes(bytes(2 * int(chance.uniform(0.4, 1.2) * RATE)))
        made.append(path)
    return made


def send(caller: Caller, recording: Path, *, interactive: bool = False) -> Job:
    options = Options(language="en", model=engine_gateway.status().default_model)
    path = storage.incoming_path(new_id(22))
    path.write_bytes(recording.read_bytes())
    upload = StoredUpload(path, recording.name, path.stat().st_size, "0" * 64)
    return submit(Order(caller, upload, options, interactive)).job


def engine_answers() -> bool:
    try:
        engine_gateway.engine().status()
    except EngineGone:
        return False
    return True


def busy_workers() -> set[int]:
    owners = Job.objects.filter(state=JobState.RUNNING).values_list("lease_owner", flat=True)
    return {int(owner.split(":")[1]) for owner in owners}


def open_jobs() -> int:
    return Job.objects.filter(state__in=OPEN_STATES).count()


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds} s.")
        time.sleep(0.02)
