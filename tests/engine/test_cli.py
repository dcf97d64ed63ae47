import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import catalog
from engine.__main__ import main
from engine.client import EngineClient
from engine.errors import EngineGone
from engine.server import EngineServer
from engine.types import Options
from tests.engine.hub_double import running
from tests.engine.speech import clip
from tests.engine.speech import silence as quiet
from tests.engine.stand_in import StandIn
from tests.engine.wav import write_silence, write_wav

ROOT = Path(__file__).parents[2]
MICRO = ROOT / "tests" / "fixtures" / "micro_whisper"
WAIT = 30.0
NO_DJANGO = (
    "import sys\n"
    "for name in ('django', 'rest_framework', 'channels', 'django_q'): sys.modules[name] = None\n"
    "from engine.__main__ import main\n"
    "sys.exit(main(sys.argv[1:]))"
)

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STT_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("STT_MODEL", str(MICRO))
    monkeypatch.setenv("STT_DEVICE", "cpu")
    monkeypatch.setenv("STT_FETCH_MODELS", "0")


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    return write_silence(tmp_path / "silence.wav")


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng makes the speech of this test")
    path = tmp_path / "speech.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), "Anna, please open the door."], check=True)
    return path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[StandIn, Path]]:
    engine, path = StandIn(), tmp_path / "engine.sock"
    server = EngineServer(path, engine)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield engine, path
    server.stop()
    thread.join(WAIT)


def run(*arguments: str | Path) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        return int(stop.code or 0)


def printed_json(printed: Printed) -> Any:
    return json.loads(printed.readouterr().out)


def test_it_transcribes_where_django_is_not_installed(speech: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_DJANGO, "transcribe", str(speech), "--language", "en"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["text"] == "Anna, please open the door."
    assert result["model"] == "micro_whisper"
    assert [word["text"] for word in result["segments"][0]["words"]] == result["text"].split()


def test_txt_is_the_text_alone(speech: Path, capsys: Printed) -> None:
    assert run("transcribe", speech, "--format", "txt") == 0
    assert capsys.readouterr().out == "Anna, please open the door.\n"


def test_what_is_known_beforehand_is_heeded(capsys: Printed) -> None:
    talk = str(ROOT / "tests" / "fixtures" / "clips" / "en-us-3.wav")
    known = ["--languages", "es,en", "--keyword", "Koffee:5", "--context", "Topic=Work", "--prompt", "Today."]
    assert main(["transcribe", talk, *known, "--clean"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert "my Koffee Sunday" in result["text"]
    assert [language for language, _ in result["detection"]["candidates"]] == ["en", "es"]


def test_each_channel_is_a_speaker_where_that_is_asked(tmp_path: Path, capsys: Printed) -> None:
    left, right = np.concatenate([quiet(3.0), clip("en_door")]), np.concatenate([clip("en_digits"), quiet(4.0)])
    length = min(len(left), len(right))
    call = write_wav(tmp_path / "call.wav", left[:length], right[:length])
    assert run("transcribe", call, "--language", "en", "--channels", "speakers") == 0
    result = printed_json(capsys)
    assert [(segment["speaker"], segment["text"]) for segment in result["segments"]] == [
        ("Speaker 1", "Five eight zero three."),
        ("Speaker 2", "Open the red door."),
    ]


def test_silence_is_no_error_and_no_text(silence: Path, capsys: Printed) -> None:
    assert run("transcribe", silence) == 0
    assert printed_json(capsys)["text"] == ""


def test_what_is_no_audio_exits_with_3(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "notes.mp3"
    path.write_text("no audio at all " * 100)
    assert run("transcribe", path) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert str(path) in err


def test_a_model_that_is_not_here_exits_with_4(silence: Path, capsys: Printed) -> None:
    assert run("transcribe", silence, "--model", "large-v3") == 4
    assert "models fetch large-v3" in capsys.readouterr().err
    assert run("transcribe", silence, "--model", "nonsense") == 4
    assert "large-v3-turbo" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["transcribe"],
        ["transcribe", "nowhere.wav"],
        ["transcribe", __file__, "--language", "klingon"],
        ["transcribe", __file__, "--format", "pdf"],
        ["transcribe", __file__, "--keyword", "x:-1"],
        ["transcribe", __file__, "--languages", "en,klingon"],
        ["transcribe", __file__, "--known", "Ann"],
        ["transcribe", __file__, "--known", "Ann=nowhere.wav"],
        ["transcribe", __file__, "--speakers", "0"],
        ["transcribe", __file__, "--channels", "left"],
        ["bench", __file__, "--runs", "0"],
        ["serve"],
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: Printed) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("STT_MODEL", "/nowhere"), ("STT_DEVICE", "gpu"), ("STT_COMPUTE_TYPE", "int4"), ("STT_THREADS", "two")],
)
def test_a_wrong_environment_exits_with_2(
    silence: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert run("transcribe", silence) == 2
    assert name in capsys.readouterr().err


def test_an_engine_that_cannot_listen_says_so(silence: Path, capsys: Printed) -> None:
    assert run("serve", "--socket", silence / "engine.sock") == 1
    assert str(silence / "engine.sock") in capsys.readouterr().err


def test_it_can_use_a_running_engine_and_says_when_there_is_none(
    served: tuple[StandIn, Path], tmp_path: Path, capsys: Printed
) -> None:
    file = tmp_path / "three"
    file.write_text("3")
    assert run("transcribe", file, "--socket", served[1]) == 0
    assert len(printed_json(capsys)["segments"]) == 3
    assert run("transcribe", file, "--socket", tmp_path / "nothing.sock") == 1
    assert "engine" in capsys.readouterr().err


def test_a_progress_bar_is_drawn_on_a_terminal_only_and_never_on_stdout(
    served: tuple[StandIn, Path], tmp_path: Path
) -> None:
    file = tmp_path / "three"
    file.write_text("3")
    command = [sys.executable, "-m", "engine", "transcribe", str(file), "--socket", str(served[1])]
    terminal, stderr = os.openpty()
    termios.tcsetwinsize(stderr, (24, 80))
    os.set_blocking(terminal, False)
    on_terminal = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, timeout=60, check=True)
    drawn = os.read(terminal, 65536)
    elsewhere = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
    os.close(terminal)
    os.close(stderr)
    assert b"Transcribing" in drawn
    assert on_terminal.stdout == elsewhere.stdout
    assert elsewhere.stderr == b""


def _heed_ctrl_c() -> None:
    """What runs in the background of a shell is begun deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_exits_with_130_and_ends_the_work(served: tuple[StandIn, Path], tmp_path: Path) -> None:
    engine, path = served
    file = tmp_path / "long"
    file.write_text("1 endless")
    command = [sys.executable, "-m", "engine", "transcribe", str(file), "--socket", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c) as child:
        assert engine.began.wait(WAIT)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=WAIT)
    assert (child.returncode, err) == (130, "Interrupted.\n")
    assert engine.ended.wait(WAIT)


def test_bench_prints_what_it_measured(silence: Path, capsys: Printed) -> None:
    assert run("bench", silence, "--runs", "2") == 0
    report = printed_json(capsys)
    assert report["audio_seconds"] == 1.0
    assert len(report["runs"]) == 2
    assert report["peak_memory_mb"] > 0


def test_models_are_listed_fetched_and_removed(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.delenv("STT_MODEL")
    with running(MICRO) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert run("models", "fetch", "tiny") == 0
    capsys.readouterr()
    assert run("models", "list") == 0
    listed = {model["id"]: model for model in printed_json(capsys)}
    assert [name for name, model in listed.items() if model["installed"]] == ["tiny", catalog.EMBEDDED]
    assert [name for name, model in listed.items() if model["default"]] == [catalog.EMBEDDED]
    assert run("models", "remove", "tiny") == 0
    assert run("models", "remove", "tiny") == 4
    assert run("models", "fetch", "nonsense") == 4


def test_a_reader_that_left_early_is_no_traceback(silence: Path) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    command = [sys.executable, "-m", "engine", "transcribe", str(silence)]
    done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(output)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
def test_serve_answers_and_ends_with_the_process_that_started_it(
    silence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "engine.sock"
    program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'engine', 'serve', '--socket', {str(path)!r}, "
        "'--exit-with-parent'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        client = EngineClient(path)
        _until(lambda: _answers(client))
        assert client.transcribe(silence, Options(), on_event=lambda event: None).text == ""
        parent.kill()
    _until(lambda: not _answers(client))
    _until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))


def _answers(client: EngineClient) -> bool:
    try:
        client.status()
    except EngineGone:
        return False
    return True


def _is_zombie(pid: int) -> bool:
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        os.sched_yield()
