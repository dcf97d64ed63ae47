"""The bell of a process that waits for a job on this machine."""

from pathlib import Path

from django.conf import settings

from stt_site.lib import doorbell


def bell(job_id: int) -> doorbell.Doorbell:
    return doorbell.Doorbell(_path(job_id))


def ring(job_id: int) -> None:
    doorbell.ring(_path(job_id))


def _path(job_id: int) -> Path:
    path: Path = settings.RUN_DIR / f"job-{job_id}.sock"
    return path
