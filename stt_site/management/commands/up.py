"""`make run`: bring the database and the static files up to date, then start everything under one supervisor."""

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from transcripts import engine_gateway

SUPERVISOR_CONFIG = Path("deploy") / "supervisord.conf"


class Command(BaseCommand):
    help = "Migrate, collect static files and start web, worker and engine; Ctrl-C stops all three."
    # Each of the three checks its own system; here it would only lengthen the wait.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        check_port_is_free(settings.HOST, settings.PORT)
        if migrations_wait():
            call_command("migrate", interactive=False, verbosity=0)
        if static_files_changed():
            call_command("collectstatic", interactive=False, verbosity=0)
        supervisord = shutil.which("supervisord", path=str(Path(sys.executable).parent)) or "supervisord"
        self.stdout.write(f"Starting {settings.PRODUCT_NAME} …")
        self.stdout.flush()
        os.chdir(settings.BASE_DIR)
        os.execve(supervisord, [supervisord, "-n", "-c", str(SUPERVISOR_CONFIG)], environment())  # noqa: S606


def migrations_wait() -> bool:
    return _wait(DEFAULT_DB_ALIAS, None) or _wait(settings.COUNTERS, "accounts")


def _wait(database: str, app: str | None) -> bool:
    executor = MigrationExecutor(connections[database])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes(app)))


def static_files_changed() -> bool:
    """Ours, or those of a package that the requirements now name in another version."""
    collected = settings.STATIC_ROOT / "staticfiles.json"
    if not collected.exists():
        return True
    sources = [settings.BASE_DIR / "requirements.txt", *(settings.BASE_DIR / "static").rglob("*")]
    return any(source.stat().st_mtime > collected.stat().st_mtime for source in sources)


def check_port_is_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop what uses it, or choose another: STT_PORT={port + 1} make run"
            ) from error


def sockets(engines: int) -> str:
    names = ["engine.sock", *(f"engine-{number}.sock" for number in range(1, engines))]
    return ",".join(str(settings.RUN_DIR / name) for name in names)


def environment() -> dict[str, str]:
    """What deploy/supervisord.conf reads, on top of our own environment."""
    engines = engine_gateway.engines_wanted()
    return {
        **os.environ,
        "STT_DATA_DIR": str(settings.DATA_DIR),
        "STT_RUN_DIR": str(settings.RUN_DIR),
        "STT_ENGINE_SOCKET": settings.ENGINE_SOCKET or sockets(engines),
        "STT_ENGINES": str(len(engine_gateway.sockets()) if settings.ENGINE_SOCKET else engines),
        "STT_PYTHON": sys.executable,
        "STT_HOST": settings.HOST,
        "STT_PORT": str(settings.PORT),
        "PYTHONUNBUFFERED": "1",
    }
