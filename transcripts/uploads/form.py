"""multipart/form-data as it comes in: text fields are kept within limits, the file goes to disk."""

import logging
import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from secrets import token_hex

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.incoming import IncomingFile
from transcripts.services.submit import StoredUpload
from transcripts.uploads.base64_file import Base64File

# It warns about every malformed body, and bodies come from anybody.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

MAX_PARTS = 256
MAX_FIELDS_BYTES = 256 * 1024
MAX_PART_HEADERS = 8
MAX_HEADER_BYTES = 8 * 1024
OVERHEAD_BYTES = MAX_FIELDS_BYTES + 64 * 1024
"""How much of a body may be something else than the file's own bytes."""
MAX_NAME_LENGTH = 255
MAX_CLIPS = 8
MAX_CLIP_BYTES = 6_000_000
"""Of base64: ten seconds of stereo at 48 kHz and 24 bits are 3.9 MB."""
KEPT_CLIP_BYTES = 32 * 1024
"""A data URL longer than this goes to disk."""

_DATA_URL = re.compile(rb"data:[^,]{0,200};base64,", re.IGNORECASE)

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_BROWSER_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n", "%0d": "\r", "%0a": "\n"}


class Form:
    """Feed it the body in pieces of any size. Raises ServiceError."""

    def __init__(
        self,
        boundary: bytes,
        file_fields: frozenset[str],
        max_file_bytes: int,
        too_large: Callable[[], ServiceError],
        clip_fields: frozenset[str] = frozenset(),
    ) -> None:
        self.fields: dict[str, list[str]] = {}
        self.clips: dict[str, StoredUpload] = {}
        """Long data URLs, by the token that stands in `fields` in their place; no sender can guess it."""
        self.file: IncomingFile | None = None
        self.filename = ""
        self._file_fields = file_fields
        self._max_file_bytes = max_file_bytes
        self._too_large = too_large
        self._parts = 0
        self._field_bytes = 0
        self._complete = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._name = ""
        self._text: bytearray | None = None
        self._into_file = False
        self._clip_fields = clip_fields
        self._clip: Base64File | None = None
        self._clip_bytes = 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field_comes,
                    "on_header_value": self._header_value_comes,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data_comes,
                    "on_part_end": self._part_ends,
                    "on_end": self._end,
                },
                max_header_count=MAX_PART_HEADERS,
                max_header_size=MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise malformed("its boundary is too long") from error

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise malformed(str(error)) from error

    def close(self) -> None:
        """The body is over. Raises INVALID_REQUEST when the form is not."""
        if not self._complete:
            raise malformed("it ends before its last boundary")

    def discard(self) -> None:
        if self.file:
            self.file.discard()
        if self._clip:
            self._clip.discard()
        for clip in self.clips.values():
            clip.path.unlink(missing_ok=True)

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise malformed(f"it has more than {MAX_PARTS} fields")
        self._disposition = b""
        self._header_name.clear()
        self._header_value.clear()

    def _header_field_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _headers_end(self) -> None:
        kind, parameters = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in parameters:
            raise malformed("a part has no name")
        self._name = parameters[b"name"].decode("utf-8", "replace")
        self._spend(len(self._name))
        is_recording = self._name in self._file_fields
        if is_recording and self.file:
            raise one_recording()
        if is_recording:
            self.filename = display_name(parameters.get(b"filename", b"").decode("utf-8", "replace"))
            self.file = IncomingFile()
        self._into_file = is_recording
        # A file in a field that nobody asked for is read and forgotten, as an unknown text field is.
        self._text = None if is_recording or b"filename" in parameters else bytearray()

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        if self._into_file:
            assert self.file is not None
            if self.file.size + end - start > self._max_file_bytes:
                raise self._too_large()
            self.file.write(memoryview(data)[start:end])
        elif self._text is not None and self._name in self._clip_fields:
            self._clip_comes(data[start:end])
        elif self._text is not None:
            self._spend(end - start)
            self._text += data[start:end]

    def _clip_comes(self, piece: bytes) -> None:
        assert self._text is not None
        self._clip_bytes += len(piece)
        if self._clip_bytes > MAX_CLIP_BYTES:
            raise malformed(f"{self._name} holds more than {MAX_CLIP_BYTES // 1_000_000} MB")
        if self._clip is not None:
            self._clip.feed(piece)
            return
        self._text += piece
        if len(self._text) > KEPT_CLIP_BYTES:
            scheme = _DATA_URL.match(self._text)
            if scheme is None or len(self.clips) == MAX_CLIPS:
                raise malformed(f"{self._name} is no data URL, or one of more than {MAX_CLIPS}")
            self._clip = Base64File()
            self._clip.feed(bytes(self._text[scheme.end() :]))
            self._text.clear()

    def _part_ends(self) -> None:
        if self._clip is not None:
            token = token_hex(16)
            self.clips[token] = self._clip.finish("")
            self._text, self._clip = bytearray(token.encode()), None
        elif self._clip_bytes:
            self._spend(self._clip_bytes)
        self._clip_bytes = 0
        if self._text is not None:
            if 0 in self._text:
                # PostgreSQL stores none.
                raise malformed(f"{self._name} holds the character U+0000")
            self.fields.setdefault(self._name, []).append(self._text.decode("utf-8", "replace"))
        self._text = None
        self._into_file = False

    def _end(self) -> None:
        self._complete = True

    def _spend(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > MAX_FIELDS_BYTES:
            raise malformed(f"its text fields hold more than {MAX_FIELDS_BYTES // 1024} KB")


def one_recording() -> ServiceError:
    return ServiceError(ErrorCode.INVALID_REQUEST, "Send one recording a request. Nothing was stored or charged.")


def malformed(why: str) -> ServiceError:
    return ServiceError(
        ErrorCode.INVALID_REQUEST,
        f"The body is not the multipart form that its Content-Type promises: {why}. Nothing was stored or charged.",
    )


def display_name(name: str) -> str:
    """The sender's own name for the file, fit to be shown. It never names anything on disk."""
    for escape, character in _BROWSER_ESCAPES.items():
        name = name.replace(escape, character)
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in ("Cc", "Cs"))
    name = _BIDI.sub("", name).strip()
    stem, dot, extension = name.rpartition(".")
    if len(name) > MAX_NAME_LENGTH:
        keep = MAX_NAME_LENGTH - len(extension) - 1
        name = f"{stem[:keep]}.{extension}" if dot and len(extension) <= 10 else name[:MAX_NAME_LENGTH]
    return name if name.strip(".") else "recording"
