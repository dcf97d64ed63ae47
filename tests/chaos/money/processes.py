"""Web, worker and engine, each a process that is killed and started again.

They are forked from a server that has imported the product already: a kill then costs milliseconds in place of the
seconds that Python takes to read it.
"""

import contextlib
import multiprocessing
import os
import socket
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random

import psutil

FORGE = multiprocessing.get_context("forkserver")
WARM = "tests.chaos.money.warm"
WORKER_CHILDREN = 3
"""The cluster's sentinel, and below it at least a worker and one of those who hand work to it."""


def serve_web(port: int, log: str) -> None:
    import uvicorn

    _say_into(log)
    uvicorn.run(
        "stt_site.asgi:application", host="127.0.0.1", port=port, lifespan="off", log_level="warning", access_log=False
    )


def serve_worker(port: int, log: str) -> None:
    from django.core.management import call_command

    _say_into(log)
    call_command("runworker", exit_with_parent=0, skip_checks=True)


def serve_engine(port: int, log: str) -> None:
    from django.conf import settings

    from engine import server
    from tests.chaos.money.short_engine import ShortEngine

    _say_into(log)
    server.serve_engine(Path(settings.ENGINE_SOCKET), ShortEngine())


MAINS = {"web": serve_web, "worker": serve_worker, "engine": serve_engine}


def _say_into(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]


class Place:
    """One process of the server: who is there now, and how to put another in its place."""

    def __init__(self, kind: str, port: int, log: Path) -> None:
        self.kind = kind
        self.port = port
        self._log = log
        self.process: ForkServerProcess | None = None

    def fill(self) -> None:
        if self.process is None or not self.process.is_alive():
            self.process = FORGE.Process(target=MAINS[self.kind], args=(self.port, str(self._log)))
            self.process.start()

    def members(self) -> list[psutil.Process]:
        """A worker is a whole cluster. Empty: it has nothing to lose yet."""
        if self.process is None or self.process.pid is None or not self.process.is_alive():
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            children = process.children(recursive=True)
            if self.kind == "worker":
                return [process, *children] if len(children) >= WORKER_CHILDREN else []
            return [process]
        return []

    def answers(self) -> bool:
        if self.kind == "worker":
            return bool(self.members())
        if self.kind == "web":
            return _connects(socket.AF_INET, ("127.0.0.1", self.port))
        from django.conf import settings

        return _connects(socket.AF_UNIX, settings.ENGINE_SOCKET)

    def empty(self) -> None:
        if self.process is not None:
            for member in self.members():
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            self.process.kill()
            self.process.join(30)


class Server:
    def __init__(self, ports: list[int], log: Path) -> None:
        FORGE.set_forkserver_preload([WARM])
        kinds = [*(("web", port) for port in ports), ("worker", 0), ("engine", 0)]
        self.places = [Place(kind, port, log) for kind, port in kinds]

    def fill(self) -> None:
        for place in self.places:
            place.fill()

    def answers(self) -> bool:
        self.fill()
        return all(place.answers() for place in self.places)

    def strike(self, kind: str, chance: Random, busy: set[int]) -> bool:
        """SIGKILL for one process of that kind; of a worker's, mostly one that has a job. False: none was there."""
        place = chance.choice([place for place in self.places if place.kind == kind])
        members = place.members() if place.answers() else []
        if not members:
            return False
        working = [member for member in members if member.pid in busy]
        victim = chance.choice(working if working and chance.random() < 0.8 else members)
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return False
        return True

    def close(self) -> None:
        for place in self.places:
            place.empty()


def _connects(family: int, address: tuple[str, int] | str) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        with contextlib.suppress(OSError):
            probe.connect(address)
            return True
    return False
