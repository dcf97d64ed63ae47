"""An engine that cannot start says why in a sentence."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from engine.errors import EngineError
from stt_site.management.commands import up

MICRO = Path(__file__).parents[1] / "fixtures" / "micro_whisper"


@pytest.fixture(autouse=True)
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STT_MODEL", str(MICRO))
    monkeypatch.setenv("STT_DEVICE", "cpu")
    path = tmp_path / "engine.sock"
    monkeypatch.setattr(settings, "ENGINE_SOCKET", str(path))
    return path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STT_MODEL", "/nowhere"),
        ("STT_MODEL", "huge"),
        ("STT_DEVICE", "gpu"),
        ("STT_COMPUTE_TYPE", "int4"),
        ("STT_THREADS", "-1"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=f"{name} is .*{value}"):
        call_command("runengine")


def test_a_machine_that_cannot_hold_the_sandbox_is_refused_in_the_engines_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(config: object) -> None:
        raise EngineError("sandbox_unavailable", "The sandbox does not hold.")

    monkeypatch.setattr("engine.local.LocalEngine", refuse)
    with pytest.raises(CommandError, match="The sandbox does not hold"):
        call_command("runengine")


def test_a_place_where_it_cannot_listen_is_named(monkeypatch: pytest.MonkeyPatch, socket: Path) -> None:
    socket.write_text("a file, no directory")
    monkeypatch.setattr(settings, "ENGINE_SOCKET", str(socket / "engine.sock"))
    with pytest.raises(CommandError, match="cannot listen at"):
        call_command("runengine")


def test_an_engine_without_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch, socket: Path) -> None:
    monkeypatch.setattr(settings, "ENGINE_SOCKET", f"{socket},{socket}-1")
    with pytest.raises(CommandError, match="names 2 sockets"):
        call_command("runengine", number=2)


def test_each_engine_sees_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch, socket: Path) -> None:
    monkeypatch.setattr(settings, "ENGINE_SOCKET", f"{socket}, {socket}-1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    served: list[tuple[Path, str]] = []

    def serve(path: Path, *_: object, **__: object) -> None:
        served.append((path, os.environ["CUDA_VISIBLE_DEVICES"]))

    monkeypatch.setattr("engine.server.serve", serve)
    call_command("runengine", number=1)
    assert served == [(Path(f"{socket}-1"), "GPU-b")]


def test_make_run_starts_one_engine_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENGINE_SOCKET", "")
    monkeypatch.setenv("STT_DEVICE", "auto")
    for visible, engines in (("0,1,2", 3), ("", 1)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        found = up.environment()
        assert found["STT_ENGINES"] == str(engines)
        assert len(set(found["STT_ENGINE_SOCKET"].split(","))) == engines
