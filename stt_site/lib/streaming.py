"""Files as answers, a block at a time. Of a plain iterator Django reads all, under ASGI, before it sends a byte."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.http import content_disposition_header

BLOCK = 256 * 1024


def attachment(name: str) -> dict[str, str]:
    """The header of a file to be saved under this name."""
    return {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""}


def blocks(request: HttpRequest, file: IO[bytes], length: int) -> Iterator[bytes] | AsyncIterator[bytes]:
    """From where the file stands. Closes it when the answer is sent or given up."""
    return _async_blocks(file, length) if isinstance(request, ASGIRequest) else _blocks(file, length)


def as_made(request: HttpRequest, blocks: Generator[bytes]) -> Generator[bytes] | AsyncIterator[bytes]:
    """What is made block by block while it is sent; none of them is empty."""
    return _one_by_one(blocks) if isinstance(request, ASGIRequest) else blocks


async def _one_by_one(blocks: Generator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(lambda: next(blocks, b""))
    try:
        while block := await step():
            yield block
    finally:
        await sync_to_async(blocks.close)()


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
