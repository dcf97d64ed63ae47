"""A JSON body as it comes in. Long base64 in it goes to disk, the rest is kept within limits and parsed at the end."""

import re
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from accounts.services.plans import MEGABYTE
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.json_text import parse_json
from transcripts.services.submit import StoredUpload
from transcripts.uploads.base64_file import Base64File

MAX_TEXT_BYTES = 1_000_000
"""Of everything in a body that is not a long base64 string."""
KEPT_BYTES = 64 * 1024
"""A string longer than this goes to disk where it is base64."""
MAX_INLINE = 8

_END = re.compile(rb'["\\]')
_SCHEME = re.compile(rb"data:[^,]{0,200};base64,", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_LINE_ENDS = (b"n", b"r")


class JsonBody:
    """Feed it the body in pieces of any size. Raises ServiceError. A token, which no sender can guess, stands in the
    document in the place of each string that went to disk."""

    def __init__(self, max_string_bytes: int, too_large: Callable[[], ServiceError]) -> None:
        self.inline: dict[str, StoredUpload] = {}
        self._max_string_bytes = max_string_bytes
        self._too_large = too_large
        self._text = bytearray()
        self._string: bytearray | None = None
        self._string_bytes = 0
        self._file: Base64File | None = None
        self._is_text = False
        self._escaped = False

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            at = self._between(data, at) if self._string is None else self._within(data, at)
        if len(self._text) > MAX_TEXT_BYTES:
            raise self._too_large()

    def close(self) -> Any:
        """The document."""
        if self._string is not None:
            raise malformed("it ends within a string")
        try:
            return parse_json(self._text)
        except ValueError as error:
            raise malformed(str(error)) from error

    def discard(self) -> None:
        if self._file:
            self._file.discard()
        for upload in self.inline.values():
            upload.path.unlink(missing_ok=True)

    def _between(self, data: bytes, at: int) -> int:
        quote = data.find(b'"', at)
        end = len(data) if quote < 0 else quote + 1
        self._text += data[at:end]
        if quote >= 0:
            self._string, self._string_bytes, self._is_text = bytearray(), 0, False
        return end

    def _within(self, data: bytes, at: int) -> int:
        if self._escaped:
            self._take_escape(data[at : at + 1])
            return at + 1
        found = _END.search(data, at)
        end = found.start() if found else len(data)
        self._take(data[at:end])
        if found is None:
            return end
        if found[0] == b'"':
            self._string_ends()
        else:
            self._escaped = True
        return end + 1

    def _take_escape(self, letter: bytes) -> None:
        self._escaped = False
        if self._file is None:
            self._take(b"\\" + letter)
        elif letter == b"/":
            self._take(letter)
        elif letter not in _LINE_ENDS:
            raise malformed("a long string in it is no base64")

    def _take(self, piece: bytes) -> None:
        assert self._string is not None
        self._string_bytes += len(piece)
        if self._string_bytes > self._max_string_bytes:
            raise self._too_large()
        if self._file is not None:
            self._file.feed(piece)
            return
        self._string += piece
        if not self._is_text and len(self._string) > KEPT_BYTES:
            self._decide()
        if len(self._text) + len(self._string) > MAX_TEXT_BYTES:
            raise self._too_large()

    def _decide(self) -> None:
        """A long string is base64, and goes on to disk, or it is text, and stays."""
        assert self._string is not None
        text = bytes(self._string).replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\\r", b"")
        scheme = _SCHEME.match(text)
        text = text[scheme.end() :] if scheme else text
        if scheme or _BASE64.fullmatch(text):
            if len(self.inline) == MAX_INLINE:
                raise malformed(f"it holds more than {MAX_INLINE} files")
            self._file = Base64File()
            self._string.clear()
            self._file.feed(text)
        else:
            self._is_text = True

    def _string_ends(self) -> None:
        assert self._string is not None
        if self._file is not None:
            token = token_hex(16)
            self.inline[token] = self._file.finish("")
            self._text += token.encode()
            self._file = None
        self._text += self._string + b'"'
        self._string = None


def json_too_large(most: int) -> ServiceError:
    what = f"A text in the JSON body is longer than {most:,} bytes"
    if most >= MEGABYTE:
        what = f"The file in the body is larger than {most // MEGABYTE} MB"
    return ServiceError(ErrorCode.FILE_TOO_LARGE, f"{what}, the most that it may be. Nothing was charged.")


def malformed(why: str) -> ServiceError:
    return ServiceError(
        ErrorCode.INVALID_REQUEST,
        f"The body is not the JSON that its Content-Type promises: {why}. Nothing was stored or charged.",
    )
