"""A file over HTTP with one byte range (RFC 9110, section 14): what a browser needs in order to seek."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse

BLOCK = 256 * 1024
ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(Exception):
    pass


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte, or None where the whole file is the answer: no range, several, or one not understood."""
    match = ONE_RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1


def ranged(request: HttpRequest, file: IO[bytes], size: int, media_type: str, etag: str) -> HttpResponseBase:
    """Answers GET and HEAD; closes the file when the answer is sent or given up. `etag` is quoted."""
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, max-age=86400"}
    if request.headers.get("If-None-Match") == etag:
        file.close()
        return HttpResponseNotModified(headers=headers)
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    try:
        span = asked_range(wanted, size)
    except Unsatisfiable:
        file.close()
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    first, last = span or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if span:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=206 if span else 200, content_type=media_type, headers=headers)
    file.seek(first)
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    blocks = (_blocks_async if isinstance(request, ASGIRequest) else _blocks)(file, last - first + 1)
    return StreamingHttpResponse(blocks, status=206 if span else 200, content_type=media_type, headers=headers)


def _blocks(file: IO[bytes], left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block


async def _blocks_async(file: IO[bytes], left: int) -> AsyncIterator[bytes]:
    with file:
        while left > 0 and (block := await asyncio.to_thread(file.read, min(BLOCK, left))):
            left -= len(block)
            yield block
