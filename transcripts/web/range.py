"""A file over HTTP with one byte range (RFC 9110, section 14): what a browser needs in order to seek."""

import re
from typing import IO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse

from stt_site.lib.streaming import blocks

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
    body = blocks(request, file, last - first + 1)
    return StreamingHttpResponse(body, status=206 if span else 200, content_type=media_type, headers=headers)
