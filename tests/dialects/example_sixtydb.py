from collections.abc import Mapping
from typing import Any

from tests.dialects.examples import Call, Said, bearer, multipart


class SixtyDb:
    statuses: Mapping[str, int] = {}
    max_file_bytes: int | None = 10_000_000

    def key(self, key: str) -> Mapping[str, str]:
        return bearer(key)

    def ask(self, file: bytes) -> Call:
        return Call("/stt", *multipart(file, {"return_timestamps": "word"}, name="audio"))

    def wrong(self, file: bytes) -> Call:
        return Call("/stt", *multipart(file, {"return_timestamps": "often"}))

    def words(self, answer: Any) -> list[Said]:
        assert {"request_id", "language", "duration_sec", "text", "segments", "words", "warning_codes"} <= set(answer)
        return [Said(word["word"], word["start"], word["end"]) for word in answer["words"]]

    def complaint(self, answer: Any) -> str:
        assert list(answer) == ["success", "message", "error_code", "details"]
        assert answer["success"] is False
        assert answer["error_code"].isupper()
        return str(answer["message"])


EXAMPLE = SixtyDb()
