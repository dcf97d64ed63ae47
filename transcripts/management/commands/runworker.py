import gc
import threading
from argparse import ArgumentParser
from collections.abc import Callable

from django.core.management.base import BaseCommand
from django.db import connections

from stt_site.lib import cluster, queue
from stt_site.lib.sqlite import idle
from transcripts.services import sweep
from transcripts.services.webhook_courier import Courier


class Command(BaseCommand):
    help = "Run jobs in django-q2's cluster, send webhooks, and look after what a crash dropped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--exit-with-parent",
            nargs="?",
            const=0,
            type=int,
            metavar="PID",
            help="Stop when the starting process, which may say its id, is gone.",
        )

    def handle(self, *args: object, exit_with_parent: int | None = None, **options: object) -> None:
        if exit_with_parent is not None:
            cluster.stop_with_parent(exit_with_parent)
        bell = queue.listen()
        # What is open here would be shared by every child.
        connections.close_all()
        idle.close_all()
        # Each child has one thread, so a connection that it keeps is used again, by the next message or job.
        connections.settings["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
        gc.freeze()  # collected now and then, all that is imported by now would hold a job up for some 90 ms
        try:
            cluster.Cluster().run(beside=_beside)
        finally:
            bell.close()


def _beside(stopping: Callable[[], bool]) -> None:
    # Begun after the cluster's processes are forked, which take no threads along.
    threading.Thread(target=Courier().run, args=(stopping,), name="webhooks", daemon=True).start()
    sweep.loop(stopping)
