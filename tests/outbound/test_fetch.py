"""S4, S6 and S8: what a server can do to whoever fetches from it. The servers and sockets are real."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.services.access import Caller
from stt_site.lib import outbound
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.outbound import Client, Limits, NotAllowed, Unreachable, client, urls
from tests.outbound.conftest import Canary
from tests.receivers import Says, receiving
from transcripts.services import fetch as fetching
from transcripts.services.fetch import fetch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def local(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


def refusal(url: str, caller: Caller, **more: object) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        fetch(url, caller, **more)  # type: ignore[arg-type]
    return caught.value


def left_behind(data_dir: Path) -> list[Path]:
    return [path for path in data_dir.rglob("*.part") if path.is_file()]


def test_a_recording_is_stored_as_if_it_were_uploaded(caller: Caller, data_dir: Path) -> None:
    with receiving(lambda _: Says(200, b"RIFF" * 1000)) as receiver:
        upload = fetch(f"{receiver.url}/calls/Gr%C3%BC%C3%9Fe.wav?sig=a%2Fb", caller)
    assert (upload.filename, upload.size) == ("Grüße.wav", 4000)
    assert upload.path.read_bytes() == b"RIFF" * 1000
    assert receiver.got[0].path == "/calls/Gr%C3%BC%C3%9Fe.wav?sig=a%2Fb"


def hop(location: str, status: int = 302) -> Callable[[BaseHTTPRequestHandler], Says]:
    return lambda request: (
        Says(200, b"RIFF") if request.path == "/end" else Says(status, headers={"Location": location})
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_s4_a_redirect_is_followed(caller: Caller, status: int) -> None:
    with receiving(hop("/end", status)) as receiver:
        assert fetch(receiver.url + "/start", caller).size == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://127.0.0.2/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://user:secret@127.0.0.1/",
        "//10.0.0.1/",
        "http://8.8.8.8:6379/",
    ],
)
def test_s4_a_redirect_to_where_nobody_may_go_is_refused(
    caller: Caller, canary: Canary, data_dir: Path, location: str
) -> None:
    with receiving(hop(location)) as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.URL_NOT_ALLOWED
    assert canary.visits == 0
    assert left_behind(data_dir) == []


def test_s4_a_loop_ends(caller: Caller) -> None:
    with receiving(hop("/again")) as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.URL_UNREACHABLE
    assert len(receiver.got) == fetching.REDIRECTS + 1


def test_s4_https_does_not_lead_to_http() -> None:
    with pytest.raises(NotAllowed):
        urls.parse("https://example.org/").joined("http://example.org/")


def test_s4_the_next_place_is_not_told_what_the_first_was(settings: Settings) -> None:
    headers = {"Authorization": "Bearer mine"}
    with (
        receiving() as second,
        receiving(hop(second.url)) as first,
        Client().open("GET", first.url, headers=headers, redirects=1) as answer,
    ):
        assert answer.status == 200
    assert first.got[0].headers["authorization"] == "Bearer mine"
    assert "authorization" not in second.got[0].headers


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def short(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"x" * 10)
    request.close_connection = True


def trickle(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x")
        threading.Event().wait(0.02)


def test_s6_an_endless_body_is_cut_at_the_limit(caller: Caller, data_dir: Path) -> None:
    with receiving(endless) as receiver:
        error = refusal(receiver.url, caller, max_bytes=1_000_000)
    assert error.code == ErrorCode.FILE_TOO_LARGE
    assert left_behind(data_dir) == []


def test_s6_a_hundred_gigabytes_are_refused_by_their_header(caller: Caller, data_dir: Path) -> None:
    def boasting(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000000000")
        request.end_headers()

    with receiving(boasting) as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.FILE_TOO_LARGE


def test_s6_a_body_shorter_than_it_says_is_no_recording(caller: Caller, data_dir: Path) -> None:
    with receiving(short) as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.URL_UNREACHABLE
    assert left_behind(data_dir) == []


def test_s6_a_body_that_trickles_is_left(
    caller: Caller, data_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_MIN_BYTES_PER_SECOND = 10_000
    monkeypatch.setattr(client, "SLOW_GRACE_SECONDS", 0.2)
    with receiving(trickle) as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.URL_UNREACHABLE
    assert left_behind(data_dir) == []


def test_s6_the_whole_has_an_end_however_small_its_steps() -> None:
    with (
        receiving(trickle) as receiver,
        pytest.raises(Unreachable),
        Client().open("GET", receiver.url, limits=Limits(headers=0.3, total=0.5)) as answer,
    ):
        answer.read(10**9)


def test_a_caller_who_leaves_ends_it(caller: Caller, data_dir: Path) -> None:
    gone = threading.Event()
    gone.set()
    with receiving(endless) as receiver:
        assert refusal(receiver.url, caller, abandoned=gone).code == ErrorCode.CLIENT_CLOSED_REQUEST
    assert left_behind(data_dir) == []


@pytest.mark.parametrize(("status", "code"), [(404, "url_not_found"), (403, "url_not_found"), (500, "url_unreachable")])
def test_the_server_s_no_is_told(caller: Caller, status: int, code: str) -> None:
    with receiving([status]) as receiver:
        error = refusal(receiver.url, caller)
    assert error.code == code
    assert error.status == 400


def test_an_empty_file_is_said_to_be_empty(caller: Caller) -> None:
    with receiving() as receiver:
        assert refusal(receiver.url, caller).code == ErrorCode.EMPTY_FILE


def test_s8_silent_refused_and_unknown_places_look_the_same(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "Limits", lambda **_: Limits(0.3, 0.3))
    with receiving(trickling_headers) as slow, receiving(no_http) as odd:
        places = [
            slow.url,
            odd.url,
            "http://127.0.0.1:1/",
            "http://nothing.invalid/",
            slow.url.replace("http", "https"),
        ]
        answers = {(error.status, error.message) for error in (refusal(url, caller) for url in places)}
    assert len(answers) == 1


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0-server\r\n\r\n")


def trickling_headers(request: BaseHTTPRequestHandler) -> None:
    while True:
        request.wfile.write(b"H")
        threading.Event().wait(0.05)


def test_as_many_at_once_as_uploads(caller: Caller, settings: Settings) -> None:
    settings.UPLOADS_AT_ONCE = 0
    error = refusal("http://127.0.0.1/", caller)
    assert (error.status, error.retry_after) == (429, 30)
    assert outbound.host_of("http://127.0.0.1:80/x") == "127.0.0.1"
