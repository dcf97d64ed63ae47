import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from stt_site.lib.errors import ServiceError
from transcripts import engine_gateway


class Command(BaseCommand):
    help = "Lists, fetches and removes models of speech, speakers and text."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list")
        actions.add_parser("fetch").add_argument("model")
        actions.add_parser("remove").add_argument("model")

    def handle(self, *args: object, action: str, model: str = "", **options: object) -> None:
        try:
            if action == "list":
                self._list()
            elif action == "fetch":
                engine_gateway.fetch_model(model, self._progress)
                self.stdout.write(f"\n{model} is installed.")
            else:
                engine_gateway.remove_model(model)
                self.stdout.write(f"{model} is removed.")
        except ServiceError as error:
            raise CommandError(error.message) from error

    def _list(self) -> None:
        installed = engine_gateway.installed_models()
        for entry in engine_gateway.fetchable_models():
            size = f"{entry.size / 1e9:.2f} GB" if entry.size else "built in"
            state = "installed" if entry.id in installed else "-"
            self.stdout.write(f"{entry.id:<22} {state:<10} {size:<9} {entry.description}")

    def _progress(self, share: float) -> None:
        if sys.stdout.isatty():
            self.stdout.write(f"\r{share:4.0%}", ending="")
            self.stdout.flush()
