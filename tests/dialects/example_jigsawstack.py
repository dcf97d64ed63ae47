import json
from collections.abc import Mapping
from typing import Any

from tests.dialects.examples import Call, Said, multipart

ADDRESS = "/v1/ai/transcribe"


class JigsawStack:
    statuses: Mapping[str, int] = {}
    max_file_bytes: int | None = 100_000_000

    def key(self, key: str) -> Mapping[str, str]:
        return {"x-api-key": key} if key else {}

    def ask(self, file: bytes) -> Call:
        return self._with(file, {"word_timestamps": True})

    def wrong(self, file: bytes) -> Call:
        return self._with(file, {"chunk_duration": 16})

    def words(self, answer: Any) -> list[Said]:
        assert {"success", "text", "chunks", "language_detected", "confidence", "_usage", "log_id"} <= set(answer)
        assert answer["success"] is True
        return [Said(chunk["text"], *chunk["timestamp"]) for chunk in answer["chunks"]]

    def complaint(self, answer: Any) -> str:
        assert list(answer) == ["success", "message", "error", "log_id"]
        assert answer["success"] is False
        assert answer["log_id"]
        return str(answer["message"])

    def _with(self, file: bytes, options: Mapping[str, object]) -> Call:
        # The same file again would be answered from what is there, which is no work to look at.
        return Call(ADDRESS, *multipart(file, {"body": json.dumps(options)}), {"x-jigsaw-skip-cache": "true"})


EXAMPLE = JigsawStack()
