"""Ways of driving a decoder that several tests share."""

from pathlib import Path

import pytest

from engine import sandbox
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MEDIA_MESSAGES, MediaError
from engine.types import MediaInfo, Notice


def decode(decoder: Decoder, source: Path, max_seconds: float = 60.0) -> tuple[float, MediaInfo, tuple[Notice, ...]]:
    with decoder.open(source, max_seconds=max_seconds) as stream:
        seconds = sum(len(block) for block in stream) / 16_000
        return seconds, stream.info, stream.warnings


def refusal(decoder: Decoder, source: Path, max_seconds: float = 60.0) -> str:
    with pytest.raises(MediaError) as caught:
        decode(decoder, source, max_seconds)
    assert caught.value.message == MEDIA_MESSAGES[caught.value.code]
    return caught.value.code


def replaced_child(monkeypatch: pytest.MonkeyPatch, models: Path, program: str) -> Decoder:
    healthy = sandbox.python_child

    def replaced(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        command, environment = healthy(module, *arguments)
        return [*command[: command.index("-m")], "-c", program, *arguments], environment

    monkeypatch.setattr(sandbox, "self_test", lambda: sandbox.SelfTest(level="full", escaped=()))
    monkeypatch.setattr(sandbox, "python_child", replaced)
    return Decoder(EngineConfig(models_dir=models, decode_children=1))
