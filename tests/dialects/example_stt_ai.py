from collections.abc import Mapping
from typing import Any

from tests.dialects.examples import Call, Said, bearer, multipart


class SttAi:
    statuses: Mapping[str, int] = {"no_key": 200}
    max_file_bytes: int | None = None

    def key(self, key: str) -> Mapping[str, str]:
        return bearer(key)

    def ask(self, file: bytes) -> Call:
        return Call("/v1/transcribe", *multipart(file, {}))

    def wrong(self, file: bytes) -> Call:
        return Call("/v1/transcribe", *multipart(file, {"response_format": "docx"}))

    def words(self, answer: Any) -> list[Said]:
        assert {"text", "language", "duration", "segments", "speakers"} <= set(answer)
        words = [word for segment in answer["segments"] for word in segment["words"]]
        return [Said(word["word"], word["start"], word["end"]) for word in words]

    def complaint(self, answer: Any) -> str:
        assert list(answer) == ["error"]
        return str(answer["error"])


EXAMPLE = SttAi()
