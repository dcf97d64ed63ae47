from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from transcripts import engine_gateway


class Command(BaseCommand):
    help = "Runs the engine, the one process that holds the models, on the socket of STT_ENGINE_SOCKET."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        if not settings.ENGINE_SOCKET:
            raise CommandError("STT_ENGINE_SOCKET is not set: the engine runs embedded, in the worker itself.")
        engine_gateway.serve(Path(settings.ENGINE_SOCKET))
