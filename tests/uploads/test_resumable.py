"""tus 1.0 at /api/uploads/, from a raw socket against a real uvicorn."""

import base64
from collections.abc import Iterator

import pytest

from tests.uploads.conftest import Answer, Server, head, read_answer, until

Fields = dict[str, str | int]
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = bytes(range(256)) * 4096


def ask(server: Server, method: str, path: str, headers: Fields | None = None, body: bytes = b"") -> Answer:
    fields: Fields = {**TUS, **server.auth(), **(headers or {})}
    if body:
        fields = {"Content-Length": len(body), **fields}
    with server.connect() as connection:
        connection.sendall(head(path, fields, method) + body)
        return read_answer(connection, method)


def create(server: Server, size: int = len(BYTES), name: bytes = b"talk.wav") -> str:
    metadata = f"filename {base64.b64encode(name).decode()},filetype YXVkaW8vd2F2"
    answer = ask(server, "POST", "/api/uploads/", {"Upload-Length": size, "Upload-Metadata": metadata})
    assert answer.status == 201
    location = answer.headers["Location"]
    assert location.startswith("/api/uploads/")
    return str(location)


def append(server: Server, path: str, offset: int, body: bytes, **headers: str | int) -> Answer:
    fields = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": offset, **headers}
    return ask(server, "PATCH", path, fields, body)


def offset_of(server: Server, path: str) -> int:
    return int(ask(server, "HEAD", path).headers["Upload-Offset"])


@pytest.fixture
def path(server: Server) -> Iterator[str]:
    path = create(server)
    yield path
    ask(server, "DELETE", path)


def stored(server: Server, path: str) -> bytes:
    return (server.data_dir / "incoming" / path.rstrip("/").rpartition("/")[2]).read_bytes()


def test_it_tells_what_it_can(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/api/uploads/", {}, "OPTIONS"))
        answer = read_answer(connection, "OPTIONS")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,expiration,termination"


def test_an_upload_in_pieces_is_the_whole_file(server: Server, path: str) -> None:
    half = len(BYTES) // 2
    first = append(server, path, 0, BYTES[:half])
    assert (first.status, first.headers["Upload-Offset"]) == (204, str(half))
    state = ask(server, "HEAD", path)
    assert state.status == 200
    assert state.headers["Upload-Offset"] == str(half)
    assert state.headers["Upload-Length"] == str(len(BYTES))
    assert state.headers["Upload-Expires"].endswith("GMT")
    assert state.headers["Cache-Control"] == "no-store"
    assert append(server, path, half, BYTES[half:]).status == 204
    assert stored(server, path) == BYTES


def test_what_came_before_the_line_broke_is_kept(server: Server, path: str) -> None:
    with server.connect() as connection:
        fields: Fields = {
            **TUS,
            **server.auth(),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": 0,
            "Content-Length": len(BYTES),
        }
        connection.sendall(head(path, fields, "PATCH") + BYTES[:300_000])
    # The connection is closed: the server has read what was sent when it says so, and gives up its lock.
    until(lambda: offset_of(server, path) == 300_000)
    until(lambda: append(server, path, 300_000, BYTES[300_000:]).status == 204)
    assert stored(server, path) == BYTES


@pytest.mark.parametrize("offset", [1, 5000])
def test_a_wrong_offset_is_a_conflict(server: Server, path: str, offset: int) -> None:
    answer = append(server, path, offset, BYTES[:10])
    assert answer.status == 409
    assert list(answer.json()) == ["error"]
    assert offset_of(server, path) == 0


def test_two_writers_at_once_are_one_too_many(server: Server, path: str) -> None:
    with server.connect() as first:
        fields: Fields = {
            **TUS,
            **server.auth(),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": 0,
            "Content-Length": len(BYTES),
        }
        first.sendall(head(path, fields, "PATCH") + BYTES[:10])
        # Its first bytes are there, so it holds the lock.
        until(lambda: stored(server, path) == BYTES[:10])
        assert append(server, path, 0, b"").status == 423
        first.sendall(BYTES[10:])
        assert read_answer(first).status == 204
    assert stored(server, path) == BYTES


def test_more_bytes_than_announced_are_refused(server: Server, path: str) -> None:
    answer = append(server, path, 0, BYTES + b"more")
    assert answer.status == 413
    assert len(stored(server, path)) <= len(BYTES)


def test_a_stranger_sees_nothing(server: Server, path: str) -> None:
    stranger: Fields = {**server.auth("charlie")}
    for method in ("HEAD", "DELETE"):
        assert ask(server, method, path, stranger).status == 404
    assert append(server, path, 0, b"x", Authorization=server.auth("charlie")["Authorization"]).status == 404
    assert offset_of(server, path) == 0


def test_nobody_uploads_without_signing_in(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/api/uploads/", {**TUS, "Upload-Length": 10}))
        answer = read_answer(connection)
    assert answer.status == 401
    assert list(answer.json()) == ["error"]


TOKEN = "a" * 32


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-CSRFToken": TOKEN}, 201),
        ({"X-CSRFToken": TOKEN, "Origin": "http://localhost"}, 201),
        ({"X-CSRFToken": TOKEN, "Origin": "https://elsewhere.example"}, 403),
        ({"X-CSRFToken": "b" * 32}, 403),
        ({}, 403),
    ],
)
def test_a_browser_must_send_its_token(server: Server, headers: Fields, status: int) -> None:
    with server.connect() as connection:
        connection.sendall(
            head("/api/uploads/", {**TUS, **server.cookies(TOKEN), "Upload-Length": len(BYTES), **headers})
        )
        answer = read_answer(connection)
    assert answer.status == status
    if status == 201:
        assert ask(server, "DELETE", answer.headers["Location"]).status == 204


def test_a_refused_piece_is_refused_before_its_bytes(server: Server, path: str) -> None:
    with server.connect() as connection:
        fields: Fields = {
            **TUS,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": 0,
            "Content-Length": 10**9,
        }
        connection.sendall(head(path, fields, "PATCH"))
        answer = read_answer(connection)
        assert answer.status == 401
        assert answer.headers["Connection"] == "close"
        assert connection.recv(1) == b""


def test_a_terminated_upload_is_gone(server: Server) -> None:
    path = create(server)
    assert append(server, path, 0, BYTES[:100]).status == 204
    assert ask(server, "DELETE", path).status == 204
    assert ask(server, "HEAD", path).status == 404
    server.wait_until_empty()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "ten"}, 400),
        ({"Upload-Length": "9" * 40}, 400),
        ({"Upload-Length": 0}, 400),
        ({"Upload-Length": 3 * 10**9}, 413),
        ({"Upload-Length": 10, "Upload-Metadata": "filename ###"}, 400),
        ({"Upload-Length": 10, "Tus-Resumable": "0.2.2"}, 412),
    ],
)
def test_a_bad_announcement_is_refused(server: Server, headers: Fields, status: int) -> None:
    assert ask(server, "POST", "/api/uploads/", headers).status == status


def test_a_path_in_the_metadata_names_no_file(server: Server) -> None:
    path = create(server, name=b"../../../../tmp/evil.wav")
    assert append(server, path, 0, BYTES).status == 204
    assert stored(server, path) == BYTES
    ask(server, "DELETE", path)


def test_a_piece_of_another_type_is_refused(server: Server, path: str) -> None:
    assert ask(server, "PATCH", path, {"Content-Type": "audio/wav", "Upload-Offset": 0}, b"x").status == 415


def test_other_methods_are_refused(server: Server, path: str) -> None:
    for method, where in (("PUT", path), ("GET", path), ("POST", path), ("GET", "/api/uploads/")):
        assert ask(server, method, where).status == 405


def test_many_open_uploads_are_refused(server: Server) -> None:
    size = 200_000_000
    paths: list[str] = []
    last = 201
    while last == 201 and len(paths) < 50:
        answer = ask(server, "POST", "/api/uploads/", {"Upload-Length": size})
        last = answer.status
        if last == 201:
            paths.append(answer.headers["Location"])
    assert last == 429
    assert int(answer.headers["Retry-After"]) > 0
    for path in paths:
        assert ask(server, "DELETE", path).status == 204
