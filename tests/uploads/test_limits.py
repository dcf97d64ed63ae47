"""Limits at the gate of a real server, and that a key which passes through it stays nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stt_site.lib import tokens
from tests.uploads.conftest import END, MULTIPART, Answer, Server, head, part, read_answer, start_server

pytestmark = pytest.mark.slow
QUOTA = 3
HUGE = 400_000_000


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limited")


@pytest.fixture(scope="module")
def limited(directory: Path) -> Iterator[Server]:
    process, server = start_server(
        directory,
        directory / "server.log",
        DATABASE_URL=f"sqlite:///{directory / 'db.sqlite3'}",
        STT_WORK_PER_MINUTE=str(QUOTA),
        STT_UPLOAD_LINGER_SECONDS="0.05",
        STT_LOG_LEVEL="DEBUG",
        STT_ENGINE_SOCKET="/nonexistent/engine.sock",
    )
    yield server
    process.terminate()
    process.wait(20)


def send(server: Server, path: str, headers: dict[str, str | int], body: bytes = b"", method: str = "POST") -> Answer:
    with server.connect() as connection:
        connection.sendall(head(path, headers, method) + body)
        return read_answer(connection, method)


def test_an_upload_over_the_limit_is_refused_on_its_headers(limited: Server) -> None:
    body = part("file", b"RIFF", b"talk.wav") + END
    auth = limited.auth("charlie")
    for remaining in reversed(range(QUOTA)):
        answer = send(limited, "/v1/transcribe", {**auth, **MULTIPART, "Content-Length": len(body)}, body)
        assert answer.status == 200
        assert answer.headers["X-RateLimit-Remaining"] == str(remaining)
    # Not a byte of its body is ever sent, and the answer is there.
    refused = send(limited, "/v1/transcribe", {**auth, **MULTIPART, "Content-Length": HUGE})
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60 // QUOTA
    assert refused.headers["RateLimit-Policy"] == f'"work";q={QUOTA};w=60'
    assert "requests a minute" in str(refused.json()["error"])
    tus: dict[str, str | int] = {**auth, "Tus-Resumable": "1.0.0", "Upload-Length": 4}
    assert send(limited, "/api/uploads/", tus).headers["RateLimit"].startswith('"uploads";r=')


def test_a_key_stays_in_no_answer_log_or_database(limited: Server, directory: Path) -> None:
    """The canary: Alice's key and another of the same shape, put everywhere a careless program puts keys."""
    real, lost = limited.keys["alice"], str(tokens.new_token("live"))
    answers: list[Answer] = []
    for key in (real, lost, real[:-1] + "~"):
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-Api-Key": key}, {"Authorization": key}):
            form: dict[str, str | int] = {**headers, **MULTIPART, "Content-Length": 9}
            answers.append(send(limited, "/api/v1/account/", {**headers}, method="GET"))
            answers.append(send(limited, "/v1/transcribe", form, b"--nothing"))
        paths = (f"/v1/models?token={key}", f"/api/v1/keys/{key}/", f"/{key}/", f"/api/v1/transcripts/{key}/")
        answers += [send(limited, path, {**limited.auth(), "Referer": path}, method="GET") for path in paths]
    assert {answer.status for answer in answers} >= {200, 400, 401, 404}
    assert all(answer.status < 500 for answer in answers)
    written = [path for path in directory.rglob("*") if path.is_file()]
    assert b"Not Found: /stt_live_" in (directory / "server.log").read_bytes()
    assert any(real.split("_")[2].encode() in path.read_bytes() for path in directory.glob("db.sqlite3*"))
    for key in (real, lost):
        secret = key.split("_")[3].encode()
        assert [path.name for path in written if secret in path.read_bytes()] == []
        assert [answer.body for answer in answers if secret in answer.body] == []
