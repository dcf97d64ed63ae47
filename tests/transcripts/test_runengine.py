"""An engine that cannot start says why in a sentence."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from engine.errors import EngineError

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
