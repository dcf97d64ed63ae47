from collections.abc import Mapping
from typing import Any

from tests.dialects.examples import Call, Said, bearer, multipart

ADDRESS = "/v1/audio/transcriptions"


class OpenAI:
    statuses: Mapping[str, int] = {"no_credits": 429}
    max_file_bytes: int | None = 26_214_400

    def key(self, key: str) -> Mapping[str, str]:
        return bearer(key)

    def ask(self, file: bytes) -> Call:
        wish = {
            "model": "whisper-1",
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["word", "segment"],
        }
        return Call(ADDRESS, *multipart(file, wish))

    def wrong(self, file: bytes) -> Call:
        return Call(ADDRESS, *multipart(file, {"model": "whisper-1", "response_format": "txt"}))

    def words(self, answer: Any) -> list[Said]:
        assert set(answer) == {"task", "language", "duration", "text", "segments", "words", "usage"}
        return [Said(word["word"], word["start"], word["end"]) for word in answer["words"]]

    def complaint(self, answer: Any) -> str:
        assert set(answer["error"]) == {"message", "type", "param", "code"}
        return str(answer["error"]["message"])


EXAMPLE = OpenAI()
