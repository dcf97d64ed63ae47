"""A body that is the file itself, through the gate and into the file store; the parameters are in the address."""

import hashlib
import json
import secrets

import pytest

from tests.uploads.conftest import END, MULTIPART, Answer, Server, head, part, read_answer

STORE = "/v1/store/file"
BODY = secrets.token_bytes(300_000)


def ask(server: Server, path: str, body: bytes = b"", method: str = "POST", **headers: str | int) -> Answer:
    sent = {**server.auth(), "Content-Length": len(body), **{n.replace("_", "-"): v for n, v in headers.items()}}
    with server.connect() as connection:
        connection.sendall(head(path, sent, method) + body)
        return read_answer(connection, method)


@pytest.mark.parametrize("content_type", ["audio/wav", "application/json", "text/html; charset=utf-8", ""])
def test_the_bytes_come_back_as_they_were(server: Server, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    kept = ask(server, f"{STORE}?key=a/{secrets.token_hex(4)}.wav", BODY, **headers).json()
    assert kept["size"] == len(BODY)
    read = ask(server, str(kept["url"]).partition("localhost")[2], method="GET")
    assert read.body == BODY
    assert read.headers["Content-Type"] == (content_type or "application/octet-stream")
    assert "sandbox" in read.headers["Content-Security-Policy"]
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert server.incoming == []


def test_a_chunked_body_without_a_length(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head(STORE, {**server.auth(), "Transfer-Encoding": "chunked", "Content-Type": "audio/wav"}))
        for at in range(0, len(BODY), 70_001):
            piece = BODY[at : at + 70_001]
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        answer = read_answer(connection)
    assert answer.status == 200
    read = ask(server, f"{STORE}/read/{answer.json()['key']}", method="GET")
    assert hashlib.sha256(read.body).digest() == hashlib.sha256(BODY).digest()


def test_a_form_with_its_options_in_json(server: Server) -> None:
    name = secrets.token_hex(4)
    options = json.dumps({"key": f"{name}.mp3", "temp_public_url": True}).encode()
    body = part("file", BODY, b"blob") + part("body", options) + END
    kept = ask(server, STORE, body, **MULTIPART).json()
    assert kept["key"] == f"{name}.mp3"
    with server.connect() as connection:
        connection.sendall(head(str(kept["temp_public_url"]).partition("localhost")[2], {}, "GET"))
        public = read_answer(connection, "GET")
    assert (public.status, public.body) == (200, BODY)
    assert public.headers["Content-Disposition"] == "attachment"


def test_what_is_too_large_is_refused_before_its_body(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head(STORE, {**server.auth(), "Content-Length": 100_000_001, "Content-Type": "audio/wav"}))
        answer = read_answer(connection)
    assert answer.status == 413
    assert answer.json()["success"] is False


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(server: Server) -> None:
    with server.connect() as connection:
        headers = {**server.auth(), "Content-Length": str(len(BODY)), "Content-Type": "audio/wav"}
        connection.sendall(head(STORE, headers) + BODY[:1000])
    server.wait_until_empty()


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/x-www-form-urlencoded"])
def test_what_is_no_recording_is_told_what_would_be_one(server: Server, content_type: str) -> None:
    answer = ask(server, "/v1/ai/transcribe?language=en", b'{"url": "https://example.com"}', Content_Type=content_type)
    assert answer.status == 415
    message = str(answer.json()["message"])
    assert all(word in message for word in ("multipart/form-data", "application/json", "audio/wav"))
