from django.core.management.base import BaseCommand
from django.db import connections

from stt_site.lib import queue
from stt_site.lib.cluster import Cluster
from transcripts.services import sweep


class Command(BaseCommand):
    help = "Run jobs in django-q2's cluster, and look after what a crash dropped."

    def handle(self, *args: object, **options: object) -> None:
        bell = queue.listen()
        # What is open here would be shared by every child.
        connections.close_all()
        try:
            Cluster().run(beside=sweep.loop)
        finally:
            bell.close()
