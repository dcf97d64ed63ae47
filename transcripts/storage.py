"""Where the files of a recording lie, in Django's default storage (local disk or S3), one private directory each:

    <media key>/source          as it was sent
    <media key>/playback.m4a    the browser's copy
    <media key>/voice-0         of a known speaker, while the job lasts

and, always on the local disk, what is still arriving: DATA_DIR/incoming/<upload key>.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from transcripts import incoming

SOURCE = "source"
PLAYBACK = "playback.m4a"
VOICES = ("voice-0", "voice-1", "voice-2", "voice-3")


def incoming_path(upload_key: str) -> Path:
    return incoming.directory() / upload_key


def store(key: str, name: str, path: Path) -> None:
    """Move the local file `path` into the storage; afterwards it is gone from where it was."""
    directory = _local_directory(key)
    if directory is None:
        with path.open("rb") as file:
            default_storage.save(f"{key}/{name}", File(file))
        path.unlink()
        return
    settings.MEDIA_ROOT.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o600)
    shutil.move(path, directory / name)


@contextmanager
def local_path(key: str, name: str = SOURCE) -> Iterator[Path]:
    """The file on this machine's disk, for as long as the block runs. Raises FileNotFoundError."""
    directory = _local_directory(key)
    if directory is not None:
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{key}/{name}")
        yield directory / name
        return
    with default_storage.open(f"{key}/{name}") as stored, scratch_file() as copy:
        with copy.open("wb") as file:
            shutil.copyfileobj(stored, file)
        yield copy


@contextmanager
def scratch_file() -> Iterator[Path]:
    """A private, empty local file, removed at the end unless it was moved away."""
    with NamedTemporaryFile(dir=incoming.directory(), prefix="scratch-", delete=False) as file:
        path = Path(file.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def open_file(key: str, name: str) -> "File[bytes]":
    """Seekable, with a `size`. Raises FileNotFoundError."""
    return default_storage.open(f"{key}/{name}")


def delete(key: str) -> None:
    directory = _local_directory(key)
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for name in (SOURCE, PLAYBACK, *VOICES):
        default_storage.delete(f"{key}/{name}")


def delete_voices(key: str) -> None:
    """Those of known speakers: nobody needs them once the job is over."""
    for name in VOICES:
        default_storage.delete(f"{key}/{name}")


def local_keys(older_than: float) -> set[str]:
    """Keys of the directories on the local disk last changed before `older_than` (Unix time)."""
    if not isinstance(default_storage, FileSystemStorage) or not settings.MEDIA_ROOT.is_dir():
        return set()
    return {entry.name for entry in settings.MEDIA_ROOT.iterdir() if entry.stat().st_mtime < older_than}


def incoming_files(older_than: float) -> list[Path]:
    return [path for path in incoming.directory().iterdir() if path.stat().st_mtime < older_than]


def _local_directory(key: str) -> Path | None:
    if "/" in key or key.startswith("."):
        raise ValueError(f"{key!r} is not a key.")
    # default_storage is a lazy proxy whose class answers for the real one.
    return Path(default_storage.path(key)) if isinstance(default_storage, FileSystemStorage) else None
