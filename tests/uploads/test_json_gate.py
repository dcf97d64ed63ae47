"""JSON bodies with recordings in them, from a raw socket against a real uvicorn. The view refuses each: what is tried
here is what happens before and behind it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.uploads.conftest import Answer, Server, head, read_answer, until
from tests.uploads.test_memory import MOST_GROWTH, fresh_server, highest_memory_while  # noqa: F401

PATH = "/v1/chat/completions"
JSON = {"Content-Type": "application/json; charset=utf-8"}
MB = 1_000_000
BODIES = 16


def before_and_behind() -> tuple[bytes, bytes]:
    part = {"type": "input_audio", "input_audio": {"data": "HERE"}}
    whole = json.dumps({"messages": [{"role": "nobody", "content": [part]}]}).encode()
    start, _, end = whole.partition(b"HERE")
    return start, end


def send(server: Server, size: int, **headers: str) -> Answer:
    """A recording of `size` bytes of base64."""
    start, end = before_and_behind()
    length = len(start) + size + len(end)
    with server.connect() as connection:
        connection.settimeout(120)
        connection.sendall(head(PATH, {**JSON, **server.auth(), "Content-Length": length, **headers}) + start)
        piece = b"A" * MB
        for at in range(0, size, MB):
            connection.sendall(piece[: size - at])
        connection.sendall(end)
        return read_answer(connection)


def status_of(server: Server, size: int) -> int:
    return send(server, size).status


def refusal(answer: Answer) -> tuple[int, object]:
    error = answer.json()["error"]
    assert isinstance(error, dict)
    assert error["request_id"] == answer.headers["X-Request-Id"]
    return answer.status, error["code"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Length": 22 * MB}, (413, "payload_too_large")),
        ({"Content-Length": 22 * MB, "Authorization": "Bearer stt_live_nobody"}, (401, "invalid_api_key")),
        ({"Content-Length": 50, "Content-Type": "audio/wav"}, (415, "unsupported_content_type")),
    ],
)
def test_a_refusal_comes_before_the_body(
    server: Server, headers: dict[str, str | int], expected: tuple[int, str]
) -> None:
    with server.connect() as connection:
        connection.sendall(head(PATH, {**JSON, **server.auth(), **headers}))
        assert refusal(read_answer(connection)) == expected
        assert server.incoming == []


def test_a_recording_is_taken_and_goes_with_its_refusal(server: Server) -> None:
    assert refusal(send(server, 3 * MB)) == (400, "invalid_request")
    server.wait_until_empty()
    assert refusal(send(server, 3 * MB + 1)) == (400, "invalid_request")
    server.wait_until_empty()


def test_a_client_that_leaves_in_the_middle_leaves_nothing(server: Server) -> None:
    start, _ = before_and_behind()
    with server.connect() as connection:
        connection.sendall(head(PATH, {**JSON, **server.auth(), "Content-Length": 10 * MB}) + start + b"A" * MB)
        until(lambda: server.incoming != [])
    server.wait_until_empty()


@pytest.mark.slow
def test_parallel_bodies_leave_the_web_process_as_small_as_it_was(fresh_server: Server) -> None:  # noqa: F811
    assert send(fresh_server, MB).status == 400
    before = fresh_server.process.memory_info().rss
    with ThreadPoolExecutor(BODIES) as clients:
        running = [clients.submit(status_of, fresh_server, 19 * MB) for _ in range(BODIES)]
        highest = highest_memory_while(running, fresh_server.process)
    assert [each.result() for each in running] == [400] * BODIES
    fresh_server.wait_until_empty()
    assert highest - before <= MOST_GROWTH
