"""A decoder process that obeys its file instead of its parent."""

import contextlib
from pathlib import Path

import psutil
import pytest

from engine import decode_process
from engine.audio import Decoder
from engine.decode_protocol import MAX_NUMBER
from engine.errors import MediaError, OutOfMemory
from tests.engine import media
from tests.engine.decoding import decode, refusal, replaced_child


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(media.wave_file(bytes(32_000)))
    return path


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
    return replaced_child(monkeypatch, tmp_path, program)


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
        ("send_json(channel, END, {'code': ['empty_file']})", "decode_failed"),
        ("send_json(channel, INFO, info); send_json(channel, END, {'code': {}})", "decode_failed"),
        ("send_json(channel, INFO, info); send_json(channel, END, {'corrupt_packets': -(10**999)})", "decode_failed"),
        ("send_json(channel, INFO, info); send_frame(channel, PCM, bytes(31))", "decode_failed"),
        ("send_json(channel, INFO, info); send_json(channel, INFO, info)", "decode_failed"),
        ("send_json(channel, INFO, info)\nwhile True: send_frame(channel, PCM, bytes(2))", "decode_failed"),
        ("send_json(channel, INFO, info); os.abort()", "decode_failed"),
        ("send_json(channel, INFO, info)\nwhile True: send_frame(channel, PCM, bytes(32000))", "media_too_long"),
        ("os.kill(os.getpid(), 24)", "decode_resource_limit"),
    ],
)  # fmt: skip
def test_a_child_that_was_taken_over_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path, behaviour: str, code: str
) -> None:
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, behaviour)) as decoder:
        assert refusal(decoder, recording, max_seconds=5.0) == code


@pytest.mark.parametrize("before", ["", "channel.sendall(b'I')", "channel.sendall(b'I' + (99).to_bytes(4, 'little'))"])
def test_a_child_that_was_killed_is_no_fault_of_the_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path, before: str
) -> None:
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, f"{before}\nos.kill(os.getpid(), 9)")) as decoder:
        with pytest.raises(OutOfMemory) as caught:
            decode(decoder, recording, 5.0)
        assert not caught.value.permanent


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("send_json(channel, INFO, info | {'channels': 4}); send_frame(channel, PCM, bytes(6))", "decode_failed"),
        ("send_json(channel, INFO, info | {'channels': 9})", "too_many_channels"),
        ("send_json(channel, INFO, info | {'channels': 10**999})", "too_many_channels"),
        ("send_json(channel, INFO, info | {'channels': 0})", "unsupported_channels"),
    ],
)
def test_nor_what_it_says_of_its_channels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path, behaviour: str, code: str
) -> None:
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, behaviour)) as decoder:
        with pytest.raises(MediaError) as caught, decoder.open(recording, max_seconds=5.0, separate=True) as stream:
            list(stream)
        assert caught.value.code == code


def test_a_number_beyond_all_measure_is_cut_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path
) -> None:
    behaviour = "send_json(channel, INFO, info | {'duration': 10**999})"
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, behaviour)) as decoder:
        assert decoder.probe(recording).duration == MAX_NUMBER


@pytest.mark.parametrize(
    "behaviour",
    [
        "time.sleep(3600)",
        "send_json(channel, INFO, info); time.sleep(3600)",
        "send_json(channel, INFO, info); channel.sendall(b'P' + (32000).to_bytes(4, 'little'))\n"
        "while True: channel.sendall(b'x'); time.sleep(0.01)",
    ],
)
def test_a_child_that_keeps_its_parent_waiting_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path, behaviour: str
) -> None:
    before = set(psutil.Process().children())
    monkeypatch.setattr(decode_process, "STALL_SECONDS", 0.2)
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, behaviour)) as decoder:
        assert refusal(decoder, recording) == "decode_resource_limit"
    assert set(psutil.Process().children()) <= before


def test_patience_is_for_the_whole_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recording: Path) -> None:
    monkeypatch.setattr(decode_process, "PATIENCE", 0.001)
    slowly = "send_json(channel, INFO, info)\nwhile True: send_frame(channel, PCM, bytes(32000)); time.sleep(0.1)"
    with contextlib.closing(hostile_child(monkeypatch, tmp_path, slowly)) as decoder:
        assert refusal(decoder, recording, max_seconds=3600.0) == "decode_resource_limit"
