"""Fetching weights from the model hub: the only module that talks to it."""

import errno
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

from engine.catalog import Kind
from engine.text.convert import ConversionFailed, convert
from engine.waiting import in_thread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a kind of model, as patterns: what it cannot be loaded without, and what else is wanted."""

    required: tuple[str, ...]
    extra: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    """What it is made into, where it cannot be used as it comes."""

    @property
    def here(self) -> tuple[str, ...]:
        return self.converted or self.required

    @property
    def kept(self) -> tuple[str, ...]:
        """Files that go through the conversion unchanged; `config.json` is written anew."""
        return tuple(name for name in self.required if name in self.converted and name != "config.json")


LAYOUTS: dict[Kind, Layout] = {
    # What CTranslate2 and faster-whisper read. Without tokenizer.json faster-whisper would ask the hub again.
    "recogniser": Layout(
        ("model.bin", "config.json", "tokenizer.json", "vocabulary.*"), extra=("preprocessor_config.json",)
    ),
    "diarizer": Layout(
        (
            "config.yaml",
            "segmentation/pytorch_model.bin",
            "embedding/pytorch_model.bin",
            "plda/xvec_transform.npz",
            "plda/plda.npz",
        )
    ),
    "writer": Layout(
        ("config.json", "tokenizer.json", "tokenizer_config.json", "model*.safetensors"),
        extra=("model.safetensors.index.json", "vocab.json", "merges.txt", "generation_config.json"),
        converted=("model.bin", "config.json", "tokenizer.json", "vocabulary.json"),
    ),
    "translator": Layout(
        ("config.json", "spiece.model", "model*.safetensors"),
        extra=(
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "generation_config.json",
        ),
        converted=("model.bin", "config.json", "spiece.model", "shared_vocabulary.json"),
    ),
}
WHISPER = LAYOUTS["recogniser"]
WITH_CONVERSION = 1.55
"""So much of a download's size is on the disk at once: 16 bits a weight or more beside 8, and some room."""

CONNECT_TIMEOUT = 5.0
NAME_TIMEOUT = 8.0
"""Seconds for the first answer, name resolution included: the resolver obeys no HTTP time-out."""


class HubUnreachable(Exception):
    """No answer. Trying again soon will not help."""


class FetchFailed(Exception):
    """The hub answered, but the weights are not here. The message says why."""


def complete(directory: Path, layout: Layout = WHISPER) -> bool:
    """Does the directory hold everything needed to load the model without a network?"""
    return directory.is_dir() and all(any(directory.glob(pattern)) for pattern in layout.here)


def check(repo: str) -> None:
    """Raises HubUnreachable or FetchFailed if a fetch of `repo` could not even begin."""
    _listing(repo, WHISPER)


def fetch(repo: str, destination: Path, on_progress: Callable[[float], None], layout: Layout = WHISPER) -> None:
    """Download into `destination`, which appears at once and whole; what is cut off is continued the next time.

    `on_progress` gets the share done, 0..1, from this thread. Raises HubUnreachable or FetchFailed.
    """
    workshop = destination.parent / ".partial" / destination.name
    try:
        workshop.mkdir(parents=True, exist_ok=True)
        with workshop.with_name(workshop.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be fetching the same model
            if not complete(destination, layout):
                _refuse_to_overwrite(destination)
                found = _download(repo, workshop, on_progress, layout)
                (_converted(found, layout) if layout.converted else found).rename(destination)
                shutil.rmtree(workshop)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise FetchFailed(f"The disk that holds {destination.parent} is full.") from error
        raise FetchFailed(f"The download failed: {error}.") from error


def _converted(found: Path, layout: Layout) -> Path:
    made = found.with_name("converted")
    try:
        convert(found, made, layout.kept)
    except ConversionFailed as error:
        raise FetchFailed(str(error)) from error
    return made


def _download(repo: str, workshop: Path, on_progress: Callable[[float], None], layout: Layout) -> Path:
    """The directory with the whole model. Files of different commits are never mixed."""
    revision, files = _listing(repo, layout)
    partial = workshop / revision
    for stale in set(workshop.iterdir()) - {partial}:
        shutil.rmtree(stale)
    partial.mkdir(exist_ok=True)
    total = sum(size for size, _ in files.values())
    _check_room(partial, int(total * (WITH_CONVERSION if layout.converted else 1)))
    missing = {name: about for name, about in files.items() if not (partial / name).exists()}
    meter = _meter(total, total - sum(size for size, _ in missing.values()), on_progress)
    for name, (size, sha256) in sorted(missing.items(), key=lambda item: item[1][0]):
        part = partial / f"{name}.part"
        part.parent.mkdir(exist_ok=True)
        _download_file(repo, _url(repo, name, revision), size, part, meter)
        _verify(part, size, sha256)
        part.rename(partial / name)
    return partial


def _download_file(repo: str, url: str, size: int, part: Path, meter: Any) -> None:
    # hf_hub_download begins every file anew; http_get below it goes on from where it is told.
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    with part.open("ab") as file:
        if (done := file.tell()) < size:
            headers = build_hf_headers(token=_token())
            _asking(
                repo,
                lambda: http_get(url, file, resume_size=done, headers=headers, expected_size=size, tqdm_class=meter),
            )
        file.flush()
        os.fsync(file.fileno())


def _listing(repo: str, layout: Layout) -> tuple[str, dict[str, tuple[int, str | None]]]:
    """The commit, and each wanted file's size and SHA-256 (where the hub says it)."""
    # Plain HTTP continues a broken-off file where it stopped, with the time-outs given here.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi

    logging.getLogger("httpx2").setLevel(logging.WARNING)

    def ask() -> Any:
        return HfApi(endpoint=_endpoint(), token=_token()).model_info(
            repo, files_metadata=True, timeout=CONNECT_TIMEOUT
        )

    info = _asking(repo, lambda: in_thread(ask, "model-hub").result(NAME_TIMEOUT))
    files = {
        file.rfilename: (file.size or 0, file.lfs.sha256 if file.lfs else None)
        for file in info.siblings or ()
        if any(fnmatch(file.rfilename, pattern) for pattern in (*layout.required, *layout.extra))
    }
    for pattern in layout.required:
        if not any(fnmatch(name, pattern) for name in files):
            raise FetchFailed(f"The hub's copy of {repo} has no {pattern}.")
    return str(info.sha), files


def _asking(repo: str, question: Callable[[], T]) -> T:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return question()
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise FetchFailed(_gated(repo, error.response.status_code)) from error
        raise FetchFailed(f"The model hub answered {error.response.status_code}.") from error
    except (httpx2.TransportError, LocalEntryNotFoundError, OfflineModeIsEnabled, FutureTimeout, ValueError) as error:
        raise HubUnreachable("The model hub could not be reached.") from error


def _gated(repo: str, status: int) -> str:
    page = f"{_endpoint() or 'https://huggingface.co'}/{repo}"
    if _token() is None:
        return (
            f"The model hub answered {status}: {repo} is given only to those who accept its conditions. "
            f"Accept them at {page}, make a token that may read, and set it as STT_HF_TOKEN."
        )
    return (
        f"The model hub answered {status}: the token in STT_HF_TOKEN or HF_TOKEN does not open {repo}. "
        f"Accept its conditions at {page} with the account that the token belongs to."
    )


def _verify(part: Path, size: int, sha256: str | None) -> None:
    with part.open("rb") as stream:
        sound = part.stat().st_size == size and (
            sha256 is None or hashlib.file_digest(stream, "sha256").hexdigest() == sha256
        )
    if not sound:
        part.unlink()
        raise FetchFailed(f"{part.stem} arrived damaged and was thrown away; try again.")


def _check_room(partial: Path, total: int) -> None:
    here = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    free = shutil.disk_usage(partial).free
    if total - here > free:
        raise FetchFailed(f"The model needs {(total - here) / 1e9:.2f} GB of disk, and {free / 1e9:.2f} GB are free.")


def _refuse_to_overwrite(destination: Path) -> None:
    if destination.exists():
        raise FetchFailed(f"{destination} is there but not a whole model; move it away and try again.")


def _url(repo: str, name: str, revision: str) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo, name, revision=revision, endpoint=_endpoint())


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


def _token() -> str | None:
    return os.environ.get("STT_HF_TOKEN") or os.environ.get("HF_TOKEN") or None


def _meter(total: int, done: int, on_progress: Callable[[float], None]) -> Any:
    """A stand-in for tqdm that adds up all files of one fetch."""

    class Meter:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.update(initial)

        def update(self, count: float | None = 1) -> None:
            nonlocal done
            done += int(count or 0)
            on_progress(min(1.0, done / total) if total else 0.0)

        def close(self) -> None: ...

        def __enter__(self) -> "Meter":
            return self

        def __exit__(self, *_: object) -> None: ...

    return Meter
