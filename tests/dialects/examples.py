"""What the contract test has to know of a dialect: how to ask, and how to read what comes back.

Each dialect has a module `example_<its package>.py` here with an `EXAMPLE`; the contract test finds it by that name.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

BOUNDARY = "----steno-contract"


class Call(NamedTuple):
    """One HTTP request. `headers` come besides the key and the content type."""

    path: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = {}
    method: str = "POST"


class Said(NamedTuple):
    """A word of an answer; `start` and `end` in seconds where the dialect gives them."""

    text: str
    start: float | None = None
    end: float | None = None


class Example(Protocol):
    statuses: Mapping[str, int]
    """Where it differs from `USUAL`."""
    max_file_bytes: int | None
    """The address's own limit; None: the plan's."""

    def key(self, key: str) -> Mapping[str, str]:
        """The headers that carry an API key; none for ""."""
        ...

    def ask(self, file: bytes) -> Call:
        """The plainest request for a transcript, with the times of words if the dialect gives them."""
        ...

    def wrong(self, file: bytes) -> Call:
        """The same with one field that has to be refused."""
        ...

    def words(self, answer: Any) -> list[Said]:
        """From the answer to `ask`, whose shape it asserts."""
        ...

    def complaint(self, answer: Any) -> str:
        """The sentence of any refusal, whose shape it asserts."""
        ...


USUAL: Mapping[str, int] = {
    "good": 200,
    "bad_key": 401,
    "no_key": 401,
    "no_credits": 402,
    "bad_field": 400,
    "not_audio": 400,
    "too_large": 413,
    "too_many": 429,
    "engine_down": 503,
}


def status(example: Example, situation: str) -> int:
    return example.statuses.get(situation, USUAL[situation])


@cache
def examples() -> Mapping[str, Example]:
    """By the dialect's package."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("example_*.py"))
    return {name.removeprefix("example_"): importlib.import_module(f"{__package__}.{name}").EXAMPLE for name in names}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def multipart(
    file: bytes, fields: Mapping[str, str | Sequence[str]], name: str = "file", filename: str = "a.wav"
) -> tuple[bytes, str]:
    """A body and its content type."""
    parts = [
        _part(f'name="{field}"', value.encode())
        for field, values in fields.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    parts.append(_part(f'name="{name}"; filename="{filename}"\r\nContent-Type: application/octet-stream', file))
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()]), f"multipart/form-data; boundary={BOUNDARY}"


def _part(disposition: str, value: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + value + b"\r\n"
