"""A language model that says what it is told to, behind OpenAI's chat API over real HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[dict[str, Any]], Any]
"""From the request's body to the content of the answer: JSON, or bytes that are the whole answer."""


class LanguageModel:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status = 200
        self.reply: Reply = answered
        self.address = ""

    @contextmanager
    def serving(self) -> Iterator["LanguageModel"]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.asked.append(body)
                model.keys.append(self.headers["Authorization"])
                said = model.reply(body) if self.path == "/v1/chat/completions" else b"{}"
                message = {"role": "assistant", "content": json.dumps(said)} if not isinstance(said, bytes) else {}
                answer = said if isinstance(said, bytes) else json.dumps({"choices": [{"message": message}]}).encode()
                self.send_response(model.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def answered(body: dict[str, Any]) -> Any:
    """Something of the right type for each field that the request's schema names."""
    schema = body["response_format"]["json_schema"]["schema"]
    return {name: _of(inner) for name, inner in schema["properties"].items()}


def _of(schema: dict[str, Any]) -> Any:
    if schema.get("type") == "array":
        return [_of(schema["items"])] * schema.get("minItems", 1)
    return {"string": "as the model says", "number": 0.5, "integer": 3, "boolean": True}[schema["type"]]
