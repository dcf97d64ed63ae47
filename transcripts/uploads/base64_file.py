"""Base64 to a private file, as it comes: what is kept of it in memory is less than one group of four."""

import binascii

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.incoming import IncomingFile
from transcripts.services.submit import StoredUpload


class Base64File:
    """Feed it pieces of any size. Raises INVALID_REQUEST; `discard` may come at any moment."""

    def __init__(self) -> None:
        self._file = IncomingFile()
        self._rest = b""
        self._ended = False

    def feed(self, text: bytes) -> None:
        text = self._rest + text
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        self._decode(text[:whole])

    def finish(self, filename: str) -> StoredUpload:
        # Some encoders leave the padding out.
        self._decode(self._rest + b"=" * (-len(self._rest) % 4))
        sha256 = self._file.finish()
        return StoredUpload(self._file.path, filename, self._file.size, sha256)

    def discard(self) -> None:
        self._file.discard()

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            if self._ended:
                raise binascii.Error("data behind its padding")
            self._file.write(binascii.a2b_base64(text, strict_mode=True))
        except binascii.Error as error:
            raise _damaged(str(error)) from error
        self._ended = text.endswith(b"=")


def decoded(text: str, filename: str) -> StoredUpload:
    """Of a text that is here already. Whoever takes the file moves it away or deletes it."""
    file = Base64File()
    try:
        file.feed(text.encode())
        return file.finish(filename)
    except BaseException:
        file.discard()
        raise


def _damaged(why: str) -> ServiceError:
    return ServiceError(
        ErrorCode.INVALID_REQUEST,
        f"The audio in the body is not the base64 that it should be: {why.lower()}. Nothing was stored or charged.",
    )
