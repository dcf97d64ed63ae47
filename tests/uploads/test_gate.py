"""The gate in front of Django, seen from a raw socket against a real uvicorn."""

import hashlib
import socket
from pathlib import Path

import pytest

from tests.uploads.conftest import END, MULTIPART, Answer, Server, head, part, read_answer, until

MB = 1_000_000
AUDIO = bytes(range(256)) * 512


def send(server: Server, body: bytes, path: str = "/v1/transcribe", **headers: str | int) -> Answer:
    with server.connect() as connection:
        connection.sendall(head(path, {**MULTIPART, "Content-Length": len(body), **headers}) + body)
        return read_answer(connection)


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + END


def open_files(server: Server) -> list[str]:
    return [file.path for file in server.process.open_files() if "incoming" in file.path]


def test_a_form_arrives_with_its_fields_and_a_private_file(server: Server) -> None:
    body = form(part("language", "Māori".encode()), part("file", AUDIO, b"talk.wav"), part("model", b"small"))
    answer = send(server, body)
    got = answer.json()
    assert answer.status == 200
    assert got["fields"] == {"language": ["Māori"], "model": ["small"]} == got["posted"]
    digest = hashlib.sha256(AUDIO).hexdigest()
    assert got["file"] == {
        "filename": "talk.wav",
        "size": len(AUDIO),
        "sha256": digest,
        "read_back": digest,
        "mode": "0o600",
    }
    server.wait_until_empty()


def test_every_answer_has_a_request_id_of_its_own(server: Server) -> None:
    ids = [send(server, form(part("model", b"x"))).headers["X-Request-Id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(each.startswith("req_") for each in ids)


def test_repeated_slashes_are_one(server: Server) -> None:
    answer = send(server, form(part("file", AUDIO, b"a")), path="//v1//transcribe")
    assert answer.status == 200


def test_a_body_in_the_smallest_pieces_is_the_same_body(server: Server) -> None:
    tricky = b"\r\n------boundar\r\n--\r\n------boundary" + AUDIO[:300]
    body = form(part("model", b"small"), part("file", tricky, b"a.wav"))
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body)}))
        for start in range(0, len(body), 7):
            connection.sendall(body[start : start + 7])
        got = read_answer(connection).json()
    assert isinstance(got["file"], dict)
    assert got["file"]["sha256"] == hashlib.sha256(tricky).hexdigest()


def test_a_chunked_body_without_a_length_is_taken(server: Server) -> None:
    body = form(part("file", AUDIO, b"a.wav"))
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Transfer-Encoding": "chunked"}))
        for start in range(0, len(body), 50_000):
            piece = body[start : start + 50_000]
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        answer = read_answer(connection)
    assert answer.status == 200
    assert isinstance(answer.json()["file"], dict)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": 2_000 * MB}, 413),
        ({"Content-Length": 2_000 * MB, "Authorization": "Bearer stt_live_nonsense"}, 401),
        ({"Content-Length": 2_000 * MB, "X-Api-Key": "stt_live_nonsense"}, 401),
        ({"Content-Length": 50 * MB, "Authorization": "Basic YTpi"}, 401),
        ({"Content-Length": 50 * MB, "Content-Type": "application/json"}, 415),
        ({"Content-Length": 50 * MB, "Content-Type": "multipart/form-data"}, 400),
        ({"Content-Length": 50 * MB, "Content-Type": "multipart/form-data; boundary=" + "b" * 1000}, 400),
    ],
)
def test_a_refusal_comes_before_the_body(server: Server, headers: dict[str, str | int], status: int) -> None:
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, **headers}))
        answer = read_answer(connection)
        assert answer.status == status
        assert list(answer.json()) == ["error"]
        assert answer.headers["Connection"] == "close"
        assert server.incoming == []
        connection.settimeout(10)
        assert connection.recv(1) == b""


def test_a_client_that_expects_100_continue_gets_the_refusal_instead(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            head("/v1/transcribe", {**MULTIPART, "Content-Length": 2_000 * MB, "Expect": "100-continue"})
        )
        assert read_answer(connection).status == 413
        assert connection.recv(1) == b""


def test_a_client_that_expects_100_continue_is_told_to_go_on(server: Server) -> None:
    body = form(part("file", AUDIO, b"a.wav"))
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body), "Expect": "100-continue"}))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection).status == 200


def test_a_client_in_the_middle_of_sending_can_still_read_the_refusal(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": 2_000 * MB}))
        for _ in range(8):
            connection.sendall(bytes(MB))
        assert read_answer(connection).status == 413


def test_a_file_over_the_limit_is_cut_off_at_the_limit(server: Server) -> None:
    start = part("file", b"", b"a.wav").removesuffix(b"\r\n")
    sent = 0
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Transfer-Encoding": "chunked"}))
        connection.sendall(b"%x\r\n%s\r\n" % (len(start), start))
        connection.settimeout(0.001)
        answer = None
        while answer is None and sent < 200 * MB:
            connection.settimeout(20)
            try:
                connection.sendall(b"%x\r\n%s\r\n" % (MB, bytes(MB)))
            except (BrokenPipeError, ConnectionResetError):
                answer = read_answer(connection)
                break
            sent += MB
            connection.settimeout(0.001)
            try:
                connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                continue
            connection.settimeout(20)
            answer = read_answer(connection)
    assert answer is not None
    assert answer.status == 413
    # The limit of an anonymous caller, what lies in buffers on the way, and no more.
    assert 100 * MB <= sent < 140 * MB
    server.wait_until_empty()


@pytest.mark.parametrize("kind", ["short", "long"])
def test_a_content_length_that_lies_leaves_nothing_behind(server: Server, kind: str) -> None:
    body = form(part("file", AUDIO, b"a.wav"))
    declared = len(body) + 1000 if kind == "short" else len(body) - 1000
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": declared}) + body)
        answer = read_answer(connection)
    # Too short: it stalls until the gate gives up. Too long: the form is cut before its end.
    assert answer.status == (408 if kind == "short" else 400)
    server.wait_until_empty()


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(server: Server) -> None:
    for cut in (1, 200, 60_000, 130_000):
        body = form(part("file", AUDIO, b"a.wav"))
        with server.connect() as connection:
            connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body) + 10}) + body[:cut])
        server.wait_until_empty()
    assert open_files(server) == []


def test_a_sender_that_trickles_is_let_go(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": 1 * MB}))
        connection.sendall(part("file", b"", b"a.wav"))
        connection.settimeout(0.05)
        answer = None
        for _ in range(400):
            try:
                connection.sendall(b"x")
                connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                continue
            connection.settimeout(20)
            answer = read_answer(connection)
            break
    assert answer is not None
    assert answer.status == 408
    server.wait_until_empty()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"".join(part(f"f{i}", b"") for i in range(100_000)) + END, id="100000 fields"),
        pytest.param(part("model", bytes(1 * MB)) + END, id="a megabyte of text"),
        pytest.param(part("model", b"a\0b") + END, id="a character that is not stored"),
        pytest.param(part("n" * MB, b"x") + END, id="a megabyte of header"),
        pytest.param(part("file", AUDIO, b"a" * 20_000) + END, id="a name of 20 KB"),
        pytest.param(
            b"------boundary\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + b"\r\n\r\n" + END,
            id="10000 headers",
        ),
        pytest.param(part("file", AUDIO, b"a.wav"), id="no last boundary"),
        pytest.param(part("file", AUDIO, b"a.wav") + part("file", AUDIO, b"b.wav") + END, id="two recordings"),
        pytest.param(b"------boundary\r\n\r\nx\r\n" + END, id="a part without a name"),
        pytest.param(b"not a form at all", id="no form"),
        pytest.param(b"\r\n" * MB, id="only line ends"),
    ],
)
def test_a_malformed_form_is_refused(server: Server, body: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body)}))
        try:
            connection.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = read_answer(connection)
    assert answer.status == 400
    assert "Nothing was stored or charged" in str(answer.json()["error"])
    server.wait_until_empty()


def test_a_nested_multipart_is_only_bytes(server: Server) -> None:
    inner = b'--inner\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--inner--\r\n'
    got = send(server, form(part("file", inner, b"a.wav"))).json()
    assert got["fields"] == {}
    assert isinstance(got["file"], dict)
    assert got["file"]["size"] == len(inner)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"../../etc/passwd", "passwd"),
        (b"..\\..\\windows\\CON", "CON"),
        (b"/abs/olute.wav", "olute.wav"),
        (b"..", "recording"),
        (b"", "recording"),
        (b"a\x00b.wav", "ab.wav"),
        (b"x" * 4000 + b".wav", "x" * 251 + ".wav"),
        ("re\u202evaw.exe".encode(), "revaw.exe"),
        ("грамота 🎤.mp3".encode(), "грамота 🎤.mp3"),
        (b"a.php", "a.php"),
        (b"-rf", "-rf"),
        (b"a%0D%0ASet-Cookie: b", "aSet-Cookie: b"),
        (b"say %22hi%22.wav", 'say "hi".wav'),
        (b'say \\"hi\\".wav', 'say "hi".wav'),
        (b"\xff\xfe.wav", "\ufffd\ufffd.wav"),
        (b"<script>alert(1)</script>.wav", "script>.wav"),
    ],
)
def test_a_name_is_for_showing_only(server: Server, sent: bytes, shown: str) -> None:
    before = {path for path in server.data_dir.rglob("*") if path.is_file()}
    got = send(server, form(part("file", AUDIO, sent))).json()
    assert isinstance(got["file"], dict)
    assert got["file"]["filename"] == shown
    server.wait_until_empty()
    after = {path for path in server.data_dir.rglob("*") if path.is_file()}
    assert {path.name for path in after - before} <= {"db.sqlite3-wal", "db.sqlite3-shm"}


def test_a_refusing_view_leaves_nothing_behind(server: Server) -> None:
    answer = send(server, form(part("refuse", b"1"), part("file", AUDIO, b"a.wav")))
    assert answer.status == 400
    server.wait_until_empty()


def test_a_waiting_view_learns_that_its_client_left(server: Server, tmp_path: Path) -> None:
    note = tmp_path / "note"
    body = form(part("wait", str(note).encode()), part("file", AUDIO, b"a.wav"))
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body)}) + body)
        until(note.with_suffix(".waiting").exists)
    until(note.with_suffix(".left").exists)
    server.wait_until_empty()


def test_a_key_revoked_while_its_upload_runs_opens_nothing(server: Server) -> None:
    browser: dict[str, str | int] = {**server.cookies("t" * 32), "X-CSRFToken": "t" * 32}
    wish = b'{"name": "lost"}'
    fields: dict[str, str | int] = {"Content-Type": "application/json", "Content-Length": len(wish)}
    with server.connect() as connection:
        connection.sendall(head("/api/v1/keys/", {**browser, **fields}) + wish)
        made = read_answer(connection).json()
    body = form(part("file", AUDIO, b"a.wav"))
    with server.connect() as upload:
        key: dict[str, str | int] = {"Authorization": f"Bearer {made['key']}", "Content-Length": len(body)}
        upload.sendall(head("/v1/transcribe", {**MULTIPART, **key}) + body[:-100])
        until(lambda: bool(server.incoming))
        with server.connect() as connection:
            connection.sendall(head(f"/api/v1/keys/{made['id']}/", browser, "DELETE"))
            assert read_answer(connection, "DELETE").status == 204
        upload.sendall(body[-100:])
        assert read_answer(upload).status == 401
    server.wait_until_empty()


def test_no_file_is_no_error_of_the_gate(server: Server) -> None:
    assert send(server, form(part("model", b"small"))).json()["file"] is None
    with server.connect() as connection:
        connection.sendall(head("/v1/transcribe", {"Content-Length": 0}))
        assert read_answer(connection).json()["file"] is None


def test_a_page_shows_the_refusal_although_its_token_was_never_read(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/try/", {**MULTIPART, "Content-Length": 2_000 * MB}))
        answer = read_answer(connection)
    assert answer.status == 413
    assert answer.body.startswith(b"page says: The file is larger")


def test_a_page_without_its_token_is_refused_by_django(server: Server) -> None:
    answer = send(server, form(part("file", AUDIO, b"a.wav")), path="/try/")
    assert answer.status == 403
    server.wait_until_empty()


def test_a_page_with_its_token_gets_the_file(server: Server) -> None:
    token = "a" * 32
    body = form(part("csrfmiddlewaretoken", token.encode()), part("file", AUDIO, b"a.wav"))
    answer = send(server, body, path="/try/", Cookie=f"csrftoken={token}")
    assert answer.body == f"page got {len(AUDIO)} bytes".encode()


def test_a_page_for_readers_takes_nothing_from_strangers(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/new/", {**MULTIPART, "Content-Length": 400 * MB}))
        assert read_answer(connection).status == 401
    token = "a" * 32
    body = form(part("csrfmiddlewaretoken", token.encode()), part("file", AUDIO, b"a.wav"))
    answer = send(server, body, path="/new/", **server.cookies(token))
    assert answer.body == f"page got {len(AUDIO)} bytes".encode()


def test_a_session_opens_no_address_of_keys(server: Server) -> None:
    got = send(server, form(part("file", AUDIO, b"a.wav")), **server.cookies("")).json()
    assert str(got["caller"]).startswith("ip:")


@pytest.mark.parametrize("path", ["/plain/", "/v1/models", "/api/v1/transcripts/", "/v1/nothing"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_address_without_files_takes_small_bodies_only(server: Server, path: str, framing: str) -> None:
    with server.connect() as connection:
        if framing == "length":
            connection.sendall(head(path, {"Content-Length": 3 * MB}))
        else:
            connection.sendall(head(path, {"Transfer-Encoding": "chunked"}))
            for _ in range(3):
                connection.sendall(b"%x\r\n%s\r\n" % (MB, bytes(MB)))
        answer = read_answer(connection)
    assert answer.status == 413
    assert b"larger" in answer.body
    if path != "/plain/":
        assert list(answer.json()) == ["error"]


def test_a_small_chunked_body_reaches_its_view(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head("/plain/", {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n0\r\n\r\n")
        assert read_answer(connection).json() == {"size": 5}


def test_a_connection_serves_the_next_request_after_an_upload(server: Server) -> None:
    body = form(part("file", AUDIO, b"a.wav"))
    request = head("/v1/transcribe", {**MULTIPART, "Content-Length": len(body)}) + body
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(request)
            assert read_answer(connection).status == 200
