from django.core.management.base import BaseCommand
from django.db import connections

from django.conf import settings
from stt_site.lib import pool, queue
from transcripts.services import sweep


class Command(BaseCommand):
    help = "Runs jobs: STT_WORKERS processes that take them, and one that looks after what a crash dropped."

    def handle(self, *args: object, **options: object) -> None:
        bell = queue.listen()
        # What is open here would be shared by every child.
        connections.close_all()
        try:
            pool.supervise([queue.work] * settings.WORKERS + [sweeper])
        finally:
            bell.close()


def sweeper() -> None:
    sweep.loop(pool.stopping)
