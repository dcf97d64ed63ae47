import base64
import json
from collections.abc import Mapping
from typing import Any

from tests.dialects.examples import Call, Said, bearer


class Interfaze:
    statuses: Mapping[str, int] = {}
    max_file_bytes: int | None = 15_000_000
    """20 MB in base64."""

    def key(self, key: str) -> Mapping[str, str]:
        return bearer(key)

    def ask(self, file: bytes) -> Call:
        return self._call(file)

    def wrong(self, file: bytes) -> Call:
        return self._call(file, temperature=3)

    def words(self, answer: Any) -> list[Said]:
        assert answer["object"] == "chat.completion"
        content = json.loads(answer["choices"][0]["message"]["content"])
        assert content["name"] == "speech_to_text"
        return [Said(chunk["text"], *chunk["timestamp"]) for chunk in content["result"]["chunks"]]

    def complaint(self, answer: Any) -> str:
        assert list(answer) == ["error"]
        assert set(answer["error"]) == {"message", "type", "code", "request_id"}
        assert answer["error"]["request_id"].startswith("req_")
        return str(answer["error"]["message"])

    def _call(self, file: bytes, **changes: Any) -> Call:
        audio = {"data": base64.b64encode(file).decode(), "format": "wav"}
        user = [{"type": "text", "text": "Transcribe it by word"}, {"type": "input_audio", "input_audio": audio}]
        messages = [
            {"role": "system", "content": "<task>speech_to_text</task>"},
            {"role": "user", "content": user},
        ]
        body = {"model": "interfaze-beta", "messages": messages, **changes}
        return Call("/v1/chat/completions", json.dumps(body).encode(), "application/json")


EXAMPLE = Interfaze()
