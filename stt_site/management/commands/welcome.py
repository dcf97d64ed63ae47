"""What the terminal says once the server answers: where it is, who may sign in, and a first request that works."""

import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.services import quickstart

START_SECONDS = 60.0
SAMPLE = "static/samples/sample.mp3"


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Wait for the server, then print its address, the administrator's first sign-in and a curl line."

    def handle(self, *args: Any, **options: Any) -> None:
        url = f"http://{'127.0.0.1' if settings.HOST == '0.0.0.0' else settings.HOST}:{settings.PORT}"
        wait_until_healthy(f"{url}/health")
        self.stdout.write(f"\n{settings.PRODUCT_NAME} is ready:  {settings.SITE_URL}\n")
        call_command("ensure_admin", stdout=self.stdout)
        self.stdout.write("Try it from another terminal in this directory:\n")
        header = f"Authorization: Bearer {quickstart.api_key()}"
        self.stdout.write(f'  curl {settings.SITE_URL}/v1/transcribe -H "{header}" -F file=@{SAMPLE}\n')
        self.stdout.write("Ctrl-C stops everything.\n")


def wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 (our own address)
                return
        except urllib.error.HTTPError:
            return  # it answers; /health itself says what is wrong
        except OSError:
            time.sleep(0.1)
    raise CommandError(f"The server did not answer within {START_SECONDS:.0f} s. Its messages are above.")
