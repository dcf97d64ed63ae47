from typing import Any

from django.core.management.base import BaseCommand

from transcripts.services import index


class Command(BaseCommand):
    help = "Have the index of every transcript made anew, words and vectors, by the workers."

    def handle(self, *args: Any, **options: Any) -> None:
        count = index.want_all()
        self.stdout.write(f"{count} transcripts are waiting to be indexed; the workers begin within a minute.")
