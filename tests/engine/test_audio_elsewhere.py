"""Files that send FFmpeg somewhere else: playlists, descriptions, lists of other people's files."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import sandbox
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MediaError
from tests.engine import media
from tests.engine.decoding import decode, refusal, replaced_child

CANARY_SECONDS = 7.0


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=3))
    yield decoder
    decoder.close()


class _Canary(http.server.BaseHTTPRequestHandler):
    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
        pass


@pytest.fixture
def canary() -> Iterator[tuple[http.server.ThreadingHTTPServer, socket.socket]]:
    """A web server and a UDP socket that nobody has a reason to talk to."""
    _Canary.requests.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Canary)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        yield server, datagrams
    server.shutdown()
    server.server_close()
    thread.join()


def pointing_elsewhere(http_port: int, udp_port: int, secret: Path) -> dict[str, bytes]:
    """Playlists and descriptions, each naming the canaries in its own way."""
    web = f"http://127.0.0.1:{http_port}"
    return {
        "hls": (
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n"
            f'#EXT-X-KEY:METHOD=AES-128,URI="{web}/key"\n'
            f"#EXTINF:5,\n{web}/segment.ts\n#EXTINF:5,\nudp://127.0.0.1:{udp_port}\n"
            f"#EXTINF:5,\nfile://{secret}\n#EXTINF:5,\n{secret.name}\n#EXT-X-ENDLIST\n"
        ).encode(),
        "hls master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{web}/child.m3u8\n".encode(),
        "sdp": (
            f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {udp_port} RTP/AVP 0\r\n"
        ).encode(),
        "concat": f"ffconcat version 1.0\nfile {secret.name}\nfile {web}/x.mp3\n".encode(),
        "concat absolute": f"ffconcat version 1.0\nfile '{secret}'\n".encode(),
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            f'mediaPresentationDuration="PT5S"><Period><BaseURL>{web}/</BaseURL><AdaptationSet mimeType="audio/mp4">'
            '<Representation id="1" bandwidth="1"><SegmentList><SegmentURL media="x.m4s"/></SegmentList>'
            "</Representation></AdaptationSet></Period></MPD>"
        ).encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{web}/x.mp3"/></entry></asx>'.encode(),
        "pls": f"[playlist]\nFile1={web}/x.mp3\nNumberOfEntries=1\n".encode(),
    }


def talked_to(datagrams: socket.socket) -> bool:
    try:
        datagrams.recv(1)
    except BlockingIOError:
        return bool(_Canary.requests)
    return True


KINDS = sorted(pointing_elsewhere(1, 1, Path("/x")))


@pytest.mark.parametrize(
    ("kind", "name"), [("hls", "upload.m3u8"), ("concat", "upload"), *((kind, "upload.mp3") for kind in KINDS)]
)
def test_a_file_that_points_elsewhere_is_refused_and_not_followed(
    decoder: Decoder,
    canary: tuple[http.server.ThreadingHTTPServer, socket.socket],
    tmp_path: Path,
    kind: str,
    name: str,
) -> None:
    server, datagrams = canary
    secret = media.write_clip(tmp_path / "secret.wav", "wav", "pcm_s16le", seconds=CANARY_SECONDS)
    content = pointing_elsewhere(server.server_port, datagrams.getsockname()[1], secret)[kind]
    source = tmp_path / name
    source.write_bytes(content)
    assert refusal(decoder, source) == "unsupported_media"
    assert not talked_to(datagrams)


FORCED_FORMATS = {"hls": "hls", "hls master": "hls", "sdp": "sdp", "concat": "concat", "concat absolute": "concat"}


def unguarded(monkeypatch: pytest.MonkeyPatch, models: Path, kind: str, *, sandboxed: bool) -> Decoder:
    """A decoder without whitelists that is told what to take the file for: only the kernel is left, if that."""
    program = (
        "import av, functools\n"
        "from engine import decode_child as c\n"
        "c.warm_up()\n"
        "c.warm_up = lambda: None\n"
        "c.OPEN_OPTIONS = {'safe': '0', 'allowed_extensions': 'ALL', 'extension_picky': '0'}\n"
        "c.FORMATS = frozenset(name for names in av.formats_available for name in names.split(','))\n"
        f"c.av.open = functools.partial(av.open, format={FORCED_FORMATS[kind]!r})\n"
        + ("" if sandboxed else "c.sandbox.lock_down = lambda limits: 'full'\n")
        + "c.main()\n"
    )
    return replaced_child(monkeypatch, models, program)


@pytest.mark.slow
@pytest.mark.skipif(sandbox.self_test().level != "full", reason="this kernel offers no Landlock or no seccomp")
@pytest.mark.parametrize("kind", FORCED_FORMATS)
def test_the_kernel_refuses_where_the_whitelists_are_gone(
    monkeypatch: pytest.MonkeyPatch,
    canary: tuple[http.server.ThreadingHTTPServer, socket.socket],
    tmp_path: Path,
    kind: str,
) -> None:
    server, datagrams = canary
    secret = media.write_clip(tmp_path / "secret.wav", "wav", "pcm_s16le", seconds=CANARY_SECONDS)
    source = tmp_path / "upload"
    source.write_bytes(pointing_elsewhere(server.server_port, datagrams.getsockname()[1], secret)[kind])
    with contextlib.closing(unguarded(monkeypatch, tmp_path, kind, sandboxed=True)) as decoder:
        assert refusal(decoder, source) in {"unsupported_media", "decode_failed"}
    assert not talked_to(datagrams)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hls", "hls master", "concat absolute"])
def test_the_canaries_sing_where_nothing_holds(
    monkeypatch: pytest.MonkeyPatch,
    canary: tuple[http.server.ThreadingHTTPServer, socket.socket],
    tmp_path: Path,
    kind: str,
) -> None:
    """The control: without it the tests above would pass on files that no FFmpeg has ever followed."""
    server, datagrams = canary
    secret = media.write_clip(tmp_path / "secret.wav", "wav", "pcm_s16le", seconds=CANARY_SECONDS)
    source = tmp_path / "upload"
    source.write_bytes(pointing_elsewhere(server.server_port, datagrams.getsockname()[1], secret)[kind])
    seconds = 0.0
    with (
        contextlib.closing(unguarded(monkeypatch, tmp_path, kind, sandboxed=False)) as decoder,
        contextlib.suppress(MediaError),
    ):
        seconds, _, _ = decode(decoder, source)
    assert talked_to(datagrams) or seconds == pytest.approx(CANARY_SECONDS)
