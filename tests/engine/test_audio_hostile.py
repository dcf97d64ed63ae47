"""Files that lie, break off, point elsewhere or want too much: each a typed code, and no harm done."""

import contextlib
import http.server
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine import audio, sandbox
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MEDIA_MESSAGES, MediaError
from engine.types import MediaInfo, Notice
from tests.engine import media

CANARY_SECONDS = 7.0
SECOND = b"\x10\x00" * 16_000


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=3))
    yield decoder
    decoder.close()


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "upload.mp3"
        path.write_bytes(content)
        return path

    return write


def decode(decoder: Decoder, source: Path, max_seconds: float = 60.0) -> tuple[float, MediaInfo, tuple[Notice, ...]]:
    with decoder.open(source, max_seconds=max_seconds) as stream:
        seconds = sum(len(block) for block in stream) / 16_000
        return seconds, stream.info, stream.warnings


def refusal(decoder: Decoder, source: Path, max_seconds: float = 60.0) -> str:
    with pytest.raises(MediaError) as caught:
        decode(decoder, source, max_seconds)
    assert caught.value.message == MEDIA_MESSAGES[caught.value.code]
    return caught.value.code


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


NOT_MEDIA = {
    "one byte": b"\x00",
    "text": b"Dear all,\nplease find attached the minutes.\n" * 500,
    "random": random.Random(1).randbytes(200_000),
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "riff only": b"RIFF\x00\x00\x00\x00WAVE",
    "flac magic": b"fLaC",
    "ogg magic": b"OggS" + bytes(200),
    "mp4 without moov": box(b"ftyp", b"isom\x00\x00\x02\x00isom") + box(b"mdat", bytes(5000)),
    "moov of 2 GB": box(b"ftyp", b"isom\x00\x00\x02\x00isom") + struct.pack(">I", 2**31 - 1) + b"moov" + bytes(5000),
    "png": media.huge_picture(),
    "ffmetadata": b";FFMETADATA1\ntitle=x\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
}


@pytest.mark.parametrize("name", NOT_MEDIA)
def test_what_is_no_media_is_refused(decoder: Decoder, upload: Callable[[bytes], Path], name: str) -> None:
    assert refusal(decoder, upload(NOT_MEDIA[name])) == "unsupported_media"


def test_an_empty_file_needs_no_child(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    assert refusal(decoder, upload(b"")) == "empty_file"


@pytest.mark.parametrize(
    ("muxer", "sound"), [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("flac", "flac"), ("matroska", "libopus")]
)
def test_a_truncated_file_gives_what_it_holds(decoder: Decoder, tmp_path: Path, muxer: str, sound: str) -> None:
    rate = 48_000 if sound == "libopus" else media.RATE
    source = media.write_clip(tmp_path / "x", muxer, sound, seconds=6.0, rate=rate)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    seconds, _, warnings = decode(decoder, source)
    assert 2.0 < seconds < 4.0
    # Matroska's streams state no length of their own, and FFmpeg believes the file's size over a WAV's header.
    if muxer in ("mp3", "flac"):
        assert "media_truncated" in {warning.code for warning in warnings}


def test_an_mp4_that_breaks_off_before_its_index_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=3.0)
    source.write_bytes(source.read_bytes()[:5000])
    assert refusal(decoder, source) == "unsupported_media"


def test_damaged_packets_are_skipped_and_counted(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=6.0)
    content = bytearray(source.read_bytes())
    content[3_000:5_000] = random.Random(3).randbytes(2_000)
    source.write_bytes(content)
    seconds, _, warnings = decode(decoder, source)
    assert 4.0 < seconds < 6.1
    assert "corrupt_packets_skipped" in {warning.code for warning in warnings}


def test_video_without_sound(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", None, video="mpeg4")
    assert refusal(decoder, source) == "no_audio_stream"


def test_the_first_of_several_sound_tracks_is_taken(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "matroska", "flac", seconds=2.0, video="mpeg4", tracks=3)
    with decoder.open(source, max_seconds=60) as stream:
        samples = np.concatenate(list(stream))
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    assert float(spectrum.argmax()) / 2 == pytest.approx(220.0, abs=2.0)


def test_more_tracks_than_anybody_records(decoder: Decoder, tmp_path: Path) -> None:
    most = media.write_clip(tmp_path / "64", "matroska", "pcm_s16le", seconds=0.2, tracks=64)
    assert decode(decoder, most)[0] == pytest.approx(0.2)
    more = media.write_clip(tmp_path / "65", "matroska", "pcm_s16le", seconds=0.2, tracks=65)
    assert refusal(decoder, more) == "unsupported_media"


def test_a_cover_of_ten_gigabytes_is_never_painted(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp3", "libmp3lame", seconds=2.0)
    source.write_bytes(media.id3_picture(media.huge_picture()) + source.read_bytes())
    with decoder.open(source, max_seconds=60) as stream:
        blocks = iter(stream)
        next(blocks)
        assert stream.info.has_video is False
        assert max(child.memory_info().rss for child in psutil.Process().children()) < 256 << 20


@pytest.mark.parametrize(("channels", "rate"), [(8, 192_000), (6, 48_000), (1, 4_000), (2, 384_000)])
def test_unusual_but_real_recordings_decode(
    decoder: Decoder, upload: Callable[[bytes], Path], channels: int, rate: int
) -> None:
    source = upload(media.wave_file(bytes(2 * channels * rate), channels=channels, rate=rate))
    seconds, info, _ = decode(decoder, source)
    assert seconds == pytest.approx(1.0, abs=0.001)
    assert (info.channels, info.sample_rate) == (channels, rate)


@pytest.mark.parametrize("channels", [9, 64, 255])
def test_channels_that_nobody_can_mix_down(decoder: Decoder, upload: Callable[[bytes], Path], channels: int) -> None:
    source = upload(media.wave_file(bytes(2 * channels * 16_000), channels=channels))
    assert refusal(decoder, source) == "unsupported_channels"
    with pytest.raises(MediaError):
        decoder.probe(source)


def test_no_channel_at_all(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    assert refusal(decoder, upload(media.wave_file(SECOND, channels=0))) == "decode_failed"


@pytest.mark.parametrize("rate", [1, 3_999, 384_001, 2**31 - 1, 4_000_000_000])
def test_rates_outside_what_exists(decoder: Decoder, upload: Callable[[bytes], Path], rate: int) -> None:
    code = refusal(decoder, upload(media.wave_file(SECOND, rate=rate)))
    # 4 GHz does not fit FFmpeg's own int, so it is already gone before anybody looks at it.
    assert code == "unsupported_sample_rate" or (rate > 2**31 and code in {"unsupported_media", "decode_failed"})


@pytest.mark.parametrize(
    ("samples", "code"), [(1, "audio_too_short"), (160, "audio_too_short"), (1_599, "audio_too_short")]
)
def test_less_than_a_tenth_of_a_second(
    decoder: Decoder, upload: Callable[[bytes], Path], samples: int, code: str
) -> None:
    assert refusal(decoder, upload(media.wave_file(SECOND[: 2 * samples]))) == code


@pytest.mark.parametrize("value", [0, 12_345, 32_767, -32_768])
def test_silence_direct_current_and_clipping_are_audio(
    decoder: Decoder, upload: Callable[[bytes], Path], value: int
) -> None:
    source = upload(media.wave_file(struct.pack("<h", value) * 1_600))
    with decoder.open(source, max_seconds=1) as stream:
        assert [int(sample) for block in stream for sample in block] == [value] * 1_600


@pytest.mark.parametrize("bits", [32, 64])
def test_samples_that_are_no_numbers_become_silence(
    decoder: Decoder, upload: Callable[[bytes], Path], bits: int
) -> None:
    samples = np.full(48_000, 0.25, dtype=f"<f{bits // 8}")
    samples[1_000:1_010] = np.nan
    samples[2_000:2_010] = [np.inf, -np.inf] * 5
    samples[3_000:3_010] = 3e38
    source = upload(media.wave_file(samples.tobytes(), rate=48_000, bits=bits, format_tag=3))
    with decoder.open(source, max_seconds=2, rate=48_000) as stream:
        decoded = np.concatenate(list(stream))
    for start in (1_000, 2_000, 3_000):
        assert not decoded[start : start + 10].any()
    expected = round(0.25 * 32_768)
    assert set(np.unique(decoded)) == {0, expected}
    (warning,) = stream.warnings
    assert warning.code == "non_finite_samples"
    assert "30 samples" in warning.message


def test_two_recordings_joined_are_read_to_the_end(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "flac", "flac", seconds=3.0)
    source.write_bytes(source.read_bytes() * 2)
    seconds, info, _ = decode(decoder, source)
    assert info.duration == pytest.approx(3.0, abs=0.01)
    assert seconds == pytest.approx(6.0, abs=0.2)


def test_the_rate_may_change_on_the_way(decoder: Decoder, tmp_path: Path) -> None:
    first = media.write_clip(tmp_path / "1", "adts", "aac", seconds=2.0, rate=44_100)
    second = media.write_clip(tmp_path / "2", "adts", "aac", seconds=2.0, rate=16_000)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    assert decode(decoder, first)[0] == pytest.approx(4.0, abs=0.3)


def test_a_day_in_164_kilobytes_stops_at_the_cap(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    content = media.silent_flac(24 * 3600)
    assert 150_000 < len(content) < 180_000
    before = psutil.Process().memory_info().rss
    assert refusal(decoder, upload(content), max_seconds=3600.0) == "media_too_long"
    assert psutil.Process().memory_info().rss - before < 16 << 20


@pytest.mark.slow
def test_eight_days_at_once(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    source = upload(media.silent_flac(24 * 3600))
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: refusal(decoder, source, max_seconds=12 * 3600.0), range(8)))
    assert codes == ["media_too_long"] * 8


@pytest.mark.slow
def test_a_whole_day_decodes_where_that_is_allowed(upload: Callable[[bytes], Path], tmp_path: Path) -> None:
    decoder = Decoder(EngineConfig(models_dir=tmp_path, max_decoded_seconds=25 * 3600.0, decode_children=1))
    with contextlib.closing(decoder):
        seconds, _, _ = decode(decoder, upload(media.silent_flac(24 * 3600)), max_seconds=25 * 3600.0)
    assert seconds == pytest.approx(24 * 3600, abs=10)


def test_a_tag_of_256_megabytes_costs_nobody_memory(decoder: Decoder, tmp_path: Path) -> None:
    music = media.write_clip(tmp_path / "music", "mp3", "libmp3lame", seconds=2.0).read_bytes()
    size = (1 << 28) - 1
    source = tmp_path / "upload.mp3"
    with source.open("wb") as output:
        output.write(media.id3_tag(b"APIC" + struct.pack(">I", size - 10) + b"\x00\x00", claimed_size=size))
        output.seek(10 + size)
        output.write(music)
    before = psutil.Process().memory_info().rss
    try:
        assert decode(decoder, source)[0] == pytest.approx(2.0, abs=0.1)
    except MediaError as error:
        assert error.code in {"decode_resource_limit", "unsupported_media"}  # noqa: PT017 - both ends are well
    assert psutil.Process().memory_info().rss - before < 16 << 20


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
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
    healthy = sandbox.python_child

    def without_whitelists(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        command, environment = healthy(module, *arguments)
        if module == "engine.decode_child":
            program = (
                "from engine import decode_child as c\n"
                "c.OPEN_OPTIONS.clear()\n"
                "c.FORMATS = type('All', (frozenset,), {'__ge__': lambda *_: True})()\n"
                "c.main()\n"
            )
            command = [*command[: command.index("-m")], "-c", program, *arguments]
        return command, environment

    monkeypatch.setattr(sandbox, "python_child", without_whitelists)
    decoder = Decoder(EngineConfig(models_dir=tmp_path, decode_children=1))
    with contextlib.closing(decoder):
        assert refusal(decoder, source) in {"unsupported_media", "decode_failed", "no_audio_stream"}
    assert not talked_to(datagrams)


def seeds(folder: Path) -> list[bytes]:
    clips = [
        ("mp3", "libmp3lame", None),
        ("wav", "pcm_s16le", None),
        ("flac", "flac", None),
        ("mp4", "aac", "mpeg4"),
        ("webm", "libopus", None),
        ("avi", "libmp3lame", "mpeg4"),
        ("asf", "wmav2", None),
        ("mpeg", "mp2", None),
    ]
    return [
        media.write_clip(folder / muxer, muxer, sound, rate=48_000, video=video).read_bytes()
        for muxer, sound, video in clips
    ]


def mutated(content: bytes, generator: random.Random) -> bytes:
    """Bit flips, mostly in the head where the structures are, and now and then a cut or a splice."""
    data = bytearray(content)
    reach = len(data) if generator.random() < 0.5 else min(len(data), 512)
    for _ in range(generator.choice((1, 4, 32))):
        data[generator.randrange(reach)] ^= 1 << generator.randrange(8)
    if generator.random() < 0.2:
        start = generator.randrange(len(data))
        del data[start : start + generator.randrange(1, 2_000)]
    return bytes(data)


@pytest.mark.parametrize("count", [16, pytest.param(200, marks=pytest.mark.slow)])
def test_whatever_a_mutated_file_does_the_answer_is_typed(decoder: Decoder, tmp_path: Path, count: int) -> None:
    generator = random.Random(count)
    corpus = seeds(tmp_path)
    for number in range(count):
        source = tmp_path / "mutated"
        source.write_bytes(mutated(corpus[number % len(corpus)], generator))
        try:
            seconds, _, _ = decode(decoder, source)
        except MediaError as error:
            assert error.code in MEDIA_MESSAGES  # noqa: PT017 - decoding well is fine too
        else:
            assert 0.1 <= seconds <= 60


def hostile_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, behaviour: str) -> Decoder:
    """A decoder whose children are taken over: locked down as agreed, then up to `behaviour`."""
    program = (
        "import os, socket, sys, time\n"
        "from engine.decode_protocol import *\n"
        "channel = socket.socket(fileno=int(sys.argv[1]))\n"
        "send_frame(channel, READY, b'full')\n"
        "receive_request(channel)\n"
        "send_frame(channel, TAKEN)\n"
        "info = dict(format='wav', codec='x', duration=1, sample_rate=16000, channels=1, has_video=False)\n"
        f"{behaviour}\n"
    )
    healthy = sandbox.python_child

    def taken_over(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        command, environment = healthy(module, *arguments)
        return [*command[: command.index("-m")], "-c", program, *arguments], environment

    monkeypatch.setattr(sandbox, "self_test", lambda: sandbox.SelfTest(level="full", escaped=()))
    monkeypatch.setattr(sandbox, "python_child", taken_over)
    return Decoder(EngineConfig(models_dir=tmp_path, decode_children=1))


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("channel.sendall(b'P' + (2**31).to_bytes(4, 'little'))", "decode_failed"),
        ("channel.sendall(b'I' + (2**31).to_bytes(4, 'little'))", "decode_failed"),
        ("channel.sendall(b'Z' * 100)", "decode_failed"),
        ("send_frame(channel, INFO, b'[' * 4000)", "decode_failed"),
        ("send_frame(channel, INFO, b'{}')", "decode_failed"),
        ("send_json(channel, INFO, info | {'duration': float('nan')})", "decode_failed"),
        ("send_json(channel, END, {'code': 'you_owe_me_money'})", "decode_failed"),
        ("send_json(channel, INFO, info); send_frame(channel, PCM, bytes(31))", "decode_failed"),
        ("send_json(channel, INFO, info); send_json(channel, INFO, info)", "decode_failed"),
        ("send_json(channel, INFO, info); os.abort()", "decode_failed"),
        ("send_json(channel, INFO, info)\nwhile True: send_frame(channel, PCM, bytes(32000))", "media_too_long"),
        ("os.kill(os.getpid(), 9)", "decode_resource_limit"),
        ("os.kill(os.getpid(), 24)", "decode_resource_limit"),
    ],
)  # fmt: skip
def test_a_child_that_was_taken_over_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, upload: Callable[[bytes], Path], behaviour: str, code: str
) -> None:
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, behaviour)) as decoder:
        assert refusal(decoder, upload(media.wave_file(SECOND)), max_seconds=5.0) == code


def test_a_child_that_says_nothing_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, upload: Callable[[bytes], Path]
) -> None:
    monkeypatch.setattr(audio, "STALL_SECONDS", 0.2)
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, "time.sleep(3600)")) as decoder:
        assert refusal(decoder, upload(media.wave_file(SECOND))) == "decode_resource_limit"
    assert not any("-c" in child.cmdline() for child in psutil.Process().children())
