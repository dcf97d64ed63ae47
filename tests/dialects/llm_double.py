"""A language model that says what it is told to, behind OpenAI's chat API over real HTTP.

`python -m tests.dialects.llm_double` serves one in a process of its own and prints its address; which model a request
names there says how it answers (REPLIES).
"""

import itertools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIME = re.compile(r"\[\d\d:\d\d\]")
INVENTED = "[59:59]"
Reply = Callable[[dict[str, Any]], Any]
"""From the request's body to what is said: JSON, a text, an iterator of the pieces of one, or bytes that are the whole
answer."""


class Died(Exception):
    """Raised by an iterator: the connection is closed in the middle of the answer."""


class LanguageModel:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status = 200
        self.reply: Reply = answered
        self.address = ""
        self.pieces = 0
        """Sent so far, of streamed answers."""
        self.left = threading.Event()
        """A caller hung up before the answer's end."""

    @contextmanager
    def serving(self) -> Iterator["LanguageModel"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def _handler(model: LanguageModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append(body)
            model.keys.append(self.headers["Authorization"])
            said = model.reply(body) if self.path == "/v1/chat/completions" else b"{}"
            if isinstance(said, bytes) or model.status != 200:
                self._answer("application/json", said if isinstance(said, bytes) else b"{}")
            elif body.get("stream"):
                self._stream([said] if isinstance(said, str) else [json.dumps(said)] if _whole(said) else said)
            else:
                content = said if isinstance(said, str) else json.dumps(said)
                message = {"role": "assistant", "content": content}
                choice = {"message": message, "finish_reason": "stop"}
                self._answer("application/json", json.dumps({"choices": [choice]}).encode())

        def _answer(self, kind: str, answer: bytes) -> None:
            self.send_response(model.status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _stream(self, said: Iterable[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for piece in said:
                    self._event({"delta": {"content": piece}, "finish_reason": None})
                    model.pieces += 1
                self._event({"delta": {}, "finish_reason": "stop"})
                self.wfile.write(b"data: [DONE]\n\n")
            except Died:
                return
            except OSError:
                model.left.set()

        def _event(self, choice: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())

        def log_message(self, *_: object) -> None: ...

    return Handler


def _whole(said: Any) -> bool:
    return not isinstance(said, Iterator)


def answered(body: dict[str, Any]) -> Any:
    """Something of the right type for each field that the request's schema names; without one, a sentence, which cites
    all the times that the question shows, and one that it made up."""
    if "response_format" in body:
        return _of(body["response_format"]["json_schema"]["schema"])
    shown = TIME.findall(body["messages"][-1]["content"])
    return " ".join(["As the model says.", *shown, *([INVENTED] if shown else [])])


def endless(body: dict[str, Any]) -> Iterator[str]:
    return (f"word {number} " for number in itertools.count())


def dying(body: dict[str, Any]) -> Iterator[str]:
    yield "It begins well, "
    raise Died


@contextmanager
def process() -> Iterator[str]:
    """The address of one in a process of its own."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.readline().strip()
        finally:
            running.terminate()


REPLIES: dict[str, Reply] = {"double": answered, "endless": endless, "dying": dying, "wordless": lambda body: "no JSON"}


def _of(schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {name: _of(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_of(schema["items"])] * max(1, schema.get("minItems", 1))
    if kind == "integer":
        return schema.get("minimum", 3)
    return {"string": "as the model says", "number": 0.5, "boolean": True}[str(kind)]


def main() -> None:
    model = LanguageModel()
    model.reply = lambda body: REPLIES[body["model"]](body)
    with model.serving():
        print(model.address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
