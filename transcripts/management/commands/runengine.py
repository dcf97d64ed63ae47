from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from stt_site.lib.errors import ServiceError
from transcripts import engine_gateway


class Command(BaseCommand):
    help = "Runs the engine, the one process that holds the models, on the socket STT_ENGINE_SOCKET."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exit-with-parent", action="store_true", help="Stop when the starting process is gone.")

        parser.add_argument("--number", type=int, default=0, help="Which of several: its socket and its GPU.")

    def handle(self, *args: object, exit_with_parent: bool = False, number: int = 0, **options: object) -> None:
        if not settings.ENGINE_SOCKET:
            raise CommandError("STT_ENGINE_SOCKET is not set, so the engine runs embedded in each process.")
        sockets = engine_gateway.sockets()
        if number >= len(sockets):
            raise CommandError(f"STT_ENGINE_SOCKET names {len(sockets)} sockets; there is none for engine {number}.")
        engine_gateway.take_accelerator(number)
        try:
            engine_gateway.serve(sockets[number], exit_with_parent=exit_with_parent)
        except (ServiceError, EngineError) as error:
            raise CommandError(error.message) from error
        except ValueError as error:  # what the environment says is wrong
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The engine cannot listen at {sockets[number]}: {error}.") from error
