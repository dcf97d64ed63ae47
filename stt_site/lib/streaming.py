"""Files as answers, a block at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

BLOCK = 256 * 1024


def blocks(request: HttpRequest, file: IO[bytes], length: int) -> Iterator[bytes] | AsyncIterator[bytes]:
    """From where the file stands. Closes it when the answer is sent or given up."""
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    return _async_blocks(file, length) if isinstance(request, ASGIRequest) else _blocks(file, length)


def _blocks(file: IO[bytes], left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block


async def _async_blocks(file: IO[bytes], left: int) -> AsyncIterator[bytes]:
    with file:
        while left > 0 and (block := await asyncio.to_thread(file.read, min(BLOCK, left))):
            left -= len(block)
            yield block
