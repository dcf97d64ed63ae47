import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine import errors, wire
from engine.client import EngineClient
from engine.errors import EngineError, EngineGone
from engine.server import AlreadyRunning, EngineServer
from engine.text.types import Line
from engine.types import Event, Options, Progress
from tests.engine.stand_in import FAILURES, StandIn, chunk

ROOT = Path(__file__).parents[2]
WAIT = 20.0
CANCEL_SECONDS = 2.0


@pytest.fixture
def engine() -> StandIn:
    return StandIn()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "engine.sock"


@pytest.fixture
def server(path: Path, engine: StandIn) -> Iterator[EngineServer]:
    server = EngineServer(path, engine)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    engine.go_on.set()
    server.stop()
    thread.join(WAIT)


@pytest.fixture
def client(path: Path, server: EngineServer) -> EngineClient:
    return EngineClient(path)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(script: str) -> Path:
        path = tmp_path / f"{script}.audio"
        path.write_text(script)
        return path

    return write


def ignore(event: Event) -> None: ...


# --- the same as embedded


def test_every_answer_is_bit_for_bit_the_embedded_one(
    client: EngineClient, engine: StandIn, file: Callable[[str], Path], tmp_path: Path
) -> None:
    source, options = file("5"), Options(model="small", language="es", prompt="ñ", max_seconds=1 / 3)
    here: list[Event] = []
    there: list[Event] = []
    assert client.transcribe(source, options, on_event=there.append) == engine.transcribe(
        source, options, on_event=here.append
    )
    assert there == here
    assert client.probe(source) == engine.probe(source)
    assert client.status() == engine.status()
    copy = tmp_path / "copy.m4a"
    assert client.make_playback(source, copy) == engine.make_playback(source, tmp_path / "other.m4a")
    assert copy.read_bytes() == b"aac"


def test_what_is_done_with_text_crosses_the_socket_unchanged(client: EngineClient, engine: StandIn) -> None:
    texts = ["señor\n", "\u2028", "one two", ""]
    assert client.embed(texts, priority="bulk").tobytes() == engine.embed(texts).tobytes()
    assert client.embed([]).shape == (0, 384)
    lines = [Line("señor", 0.1 + 0.2, 1 / 3, "Ann"), Line("bare")]
    assert client.extract("summary", lines, style="detailed", language="es") == engine.extract(
        "summary", lines, style="detailed", language="es"
    )
    messages = [{"role": "user", "content": "uno dos tres"}]
    assert list(client.write(messages, most_tokens=2)) == ["uno ", "dos "]
    assert list(client.write(messages, most_tokens=9, stop=["dos"])) == ["uno "]
    assert client.translate(texts, None, "de") == engine.translate(texts, None, "de")


def test_a_resumed_run_gets_its_chunks_back_unchanged(client: EngineClient, file: Callable[[str], Path]) -> None:
    earlier = [chunk(index) for index in range(1000)]
    events: list[Event] = []
    transcript = client.transcribe(file("1002"), Options(), on_event=events.append, resume=earlier)
    assert [event for event in events if not isinstance(event, Progress)] == [chunk(1000), chunk(1001)]
    assert transcript.segments == tuple(chunk(index).segments[0] for index in range(1002))


@pytest.mark.parametrize("name", ["media", "model", "language", "memory"])
def test_an_error_crosses_with_its_class_code_and_sentence(
    client: EngineClient, file: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    expected = FAILURES[name]
    assert isinstance(expected, EngineError)
    calls: list[Callable[[], object]] = [
        lambda: client.transcribe(file(f"1 {name}"), Options(), on_event=ignore),
        lambda: client.probe(file(name)),
        lambda: client.make_playback(file(name), tmp_path / "copy"),
    ]
    for call in calls:
        with pytest.raises(type(expected)) as raised:
            call()
        assert (raised.value.code, raised.value.message) == (expected.code, expected.message)


@pytest.mark.parametrize("name", ["defect", "system"])
def test_a_defect_is_a_fault_of_the_engine_and_not_its_death(
    client: EngineClient, file: Callable[[str], Path], name: str
) -> None:
    with pytest.raises(EngineError) as raised:
        client.transcribe(file(f"1 {name}"), Options(), on_event=ignore)
    assert raised.value.code == "engine_fault"
    assert not isinstance(raised.value, EngineGone)
    assert client.status().default_model == "small"


def test_many_callers_are_served_side_by_side(client: EngineClient, file: Callable[[str], Path]) -> None:
    source = file("30")
    with ThreadPoolExecutor(20) as pool:
        runs = [pool.submit(client.transcribe, source, Options(), on_event=ignore) for _ in range(20)]
        assert len({run.result(WAIT).text for run in runs}) == 1


# --- giving up


def test_what_the_callback_raises_comes_out_and_ends_the_work(
    client: EngineClient, engine: StandIn, file: Callable[[str], Path]
) -> None:
    reason = KeyError("enough")

    def give_up(event: Event) -> None:
        raise reason

    with pytest.raises(KeyError) as raised:
        client.transcribe(file("1 endless"), Options(), on_event=give_up)
    assert raised.value is reason
    assert engine.ended.wait(CANCEL_SECONDS)


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_cancel_frame_and_a_closed_connection_both_end_the_work(
    path: Path, server: EngineServer, engine: StandIn, file: Callable[[str], Path], how: str
) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        connection = wire.Connection(sock)
        connection.send({"op": "transcribe", "source": str(file("1 endless")), "options": {}, "resume": 0})
        assert connection.receive(WAIT)
        if how == "cancel":
            connection.send({"op": "cancel"})
            while "event" in (frame := connection.receive(WAIT) or {}):
                pass
            assert frame["error"]["code"] == "cancelled"
    assert engine.ended.wait(CANCEL_SECONDS)


@pytest.mark.parametrize("how", ["close", "beat"])
def test_an_abandoned_playback_copy_is_not_finished(
    path: Path, client: EngineClient, engine: StandIn, file: Callable[[str], Path], tmp_path: Path, how: str
) -> None:
    source, copy = file("1 endless"), tmp_path / "copy.m4a"
    if how == "close":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            wire.Connection(sock).send({"op": "make_playback", "source": str(source), "destination": str(copy)})
            assert engine.began.wait(WAIT)
    else:

        def leave() -> None:
            raise KeyError("enough")

        with pytest.raises(KeyError):
            client.make_playback(source, copy, leave)
    assert engine.ended.wait(CANCEL_SECONDS)
    assert not copy.exists()


def test_a_silent_engine_does_not_silence_the_callback(
    client: EngineClient, engine: StandIn, file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.client.BEAT", 0.05)
    stalls: list[float] = []

    def count(event: Event) -> None:
        if isinstance(event, Progress) and not engine.go_on.is_set():
            stalls.append(event.stalled_for)
            if len(stalls) == 4:
                engine.go_on.set()

    assert client.transcribe(file("2 silence"), Options(), on_event=count).segments
    assert stalls == sorted(set(stalls)), "it must grow"


# --- coming and going


def test_only_its_own_user_may_open_the_socket(path: Path, server: EngineServer) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_dead_engines_socket_is_replaced(path: Path, engine: StandIn) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(EngineGone):
        EngineClient(path).status()
    server = EngineServer(path, engine)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert EngineClient(path).status().queued == 3
    server.stop()
    thread.join(WAIT)
    assert not path.exists()
    with pytest.raises(EngineGone) as raised:
        EngineClient(path).status()
    assert raised.value.code == "engine_gone"
    assert not raised.value.permanent


def test_two_engines_never_share_a_socket(path: Path, server: EngineServer, client: EngineClient) -> None:
    with pytest.raises(AlreadyRunning):
        EngineServer(path, StandIn())
    assert client.status().queued == 3


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path, engine: StandIn) -> None:
    path = tmp_path / ("deep" * 20) / ("down" * 20) / "engine.sock"
    server = EngineServer(path, engine)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert EngineClient(path).status().queued == 3
    server.stop()
    thread.join(WAIT)


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"\xff\n", b'{"op": "transcribe"', b""])
def test_nonsense_is_hung_up_on_and_harms_nobody(path: Path, client: EngineClient, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(line)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(WAIT)
        assert sock.recv(100) == b""
    assert client.status().queued == 3


@pytest.mark.parametrize("answer", [b"[]\n", b"no json\n", b'{"result": {', b"x" * 100])
def test_an_engine_that_talks_nonsense_is_gone(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(wire, "MAX_FRAME", 50)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def talk() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        client = EngineClient(path)
        with pytest.raises(EngineGone):
            client.status()
        with pytest.raises(EngineGone):
            client.transcribe(tmp_path / "x", Options(), on_event=ignore)
        thread.join(WAIT)


def test_an_unknown_operation_is_answered(path: Path, server: EngineServer) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        connection = wire.Connection(sock)
        connection.send({"op": "sing"})
        frame = connection.receive(WAIT)
    assert frame is not None
    assert frame["error"]["code"] == "bad_request"


class Process:
    """The server as a process of its own, to be killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.child = subprocess.Popen([sys.executable, "-m", "tests.engine.stand_in", str(path)], cwd=ROOT)
        client = EngineClient(path)
        while True:
            try:
                client.status()
                return
            except EngineGone:
                assert self.child.poll() is None

    def interrupted_by(self, signal_number: int, source: Path) -> EngineGone:
        """The error of a run in whose midst the signal came."""

        def strike(event: Event) -> None:
            self.child.send_signal(signal_number)

        with pytest.raises(EngineGone) as raised:
            EngineClient(self.path).transcribe(source, Options(), on_event=strike)
        return raised.value

    def close(self) -> None:
        self.child.kill()
        self.child.wait()


@pytest.fixture
def start(path: Path) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(path))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.mark.slow
def test_a_killed_engine_is_gone_and_its_successor_answers(
    start: Callable[[], Process], path: Path, file: Callable[[str], Path]
) -> None:
    for _ in range(3):
        process = start()
        error = process.interrupted_by(signal.SIGKILL, file("1 endless"))
        assert error.code == "engine_gone"
        process.child.wait(WAIT)
        with pytest.raises(EngineGone):
            EngineClient(path).probe(file("1"))
    start()
    assert EngineClient(path).transcribe(file("2"), Options(), on_event=ignore).segments


def test_a_stopped_engine_ends_its_work_as_retryable_and_leaves_at_once(
    start: Callable[[], Process], path: Path, file: Callable[[str], Path]
) -> None:
    process = start()
    error = process.interrupted_by(signal.SIGTERM, file("1 endless"))
    assert "shutting down" in error.message
    assert process.child.wait(WAIT) == 0
    assert not path.exists()
    assert [left.name for left in path.parent.iterdir()] == ["engine.sock.lock"]


KINDS = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.EngineError)]


@pytest.mark.parametrize("cls", KINDS)
def test_every_kind_of_error_crosses_the_socket(cls: type[errors.EngineError]) -> None:
    sent = cls.__new__(cls)
    errors.EngineError.__init__(sent, "some_code", "A sentence.")
    got = wire.error_from_frame(wire.error_frame(sent))
    assert (type(got), got.code, got.message, str(got)) == (cls, "some_code", "A sentence.", "A sentence.")
