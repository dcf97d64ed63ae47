"""The bridge to the engine's models for text, with a real engine behind it."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from engine import catalog
from engine.config import EngineConfig
from engine.fleet import EngineFleet
from engine.local import LocalEngine
from engine.protocols import Engine
from engine.text.types import Line
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.engine.text_models import with_embedder, with_text_models
from transcripts import engine_gateway
from transcripts.services import language_model
from transcripts.services.language_model.pieces import CUT

QUESTION = [{"role": "user", "content": "Who takes the notes today?"}]


def local(models_dir: Path) -> LocalEngine:
    return LocalEngine(
        EngineConfig(models_dir, default_model=catalog.EMBEDDED, device="cpu", threads=1, fetch_models=False)
    )


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = local(with_text_models(tmp_path_factory.mktemp("models")))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = local(with_embedder(tmp_path_factory.mktemp("bare") / "models"))
    yield engine
    engine.close()


def put(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_gateway, "engine", lambda: engine)
    monkeypatch.setattr(engine_gateway, "_status", None)


def test_what_the_engine_does_with_text_comes_through(full: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(EngineFleet([full, full]), monkeypatch)
    [one, two] = engine_gateway.embed(["The meeting starts.", "The meeting begins."], priority="bulk")
    assert np.dot(one, two) > 0.8
    assert engine_gateway.extract("sentiment", [Line("I love this, it is wonderful.")], language="en")
    assert list(engine_gateway.write(QUESTION, most_tokens=4)) == list(full.write(QUESTION, most_tokens=4))
    assert engine_gateway.translate(["12"], None, "de") == ["12"]
    assert engine_gateway.status().text == full.status().text


def test_an_answer_that_was_cut_off_shows_it_however_its_letters_were_made(
    full: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where several tokens are one letter, there are fewer pieces than tokens."""
    put(full, monkeypatch)
    most = next(most for most in range(2, 60) if len(list(full.write(QUESTION, most_tokens=most + 1))) < most)
    assert language_model.complete(QUESTION, most_tokens=most).endswith(CUT)


def test_a_missing_model_is_a_503_that_says_what_to_install(bare: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare, monkeypatch)
    with pytest.raises(ServiceError, match=f"models fetch {catalog.WRITER}") as refused:
        list(engine_gateway.write(QUESTION, most_tokens=4))
    assert refused.value.code is ErrorCode.MODEL_UNAVAILABLE
    with pytest.raises(ServiceError, match=f"models fetch {catalog.TRANSLATOR}") as refused:
        engine_gateway.translate(["one"], None, "de")
    assert refused.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_what_the_models_cannot_take_is_the_callers_to_change(
    full: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(full, monkeypatch)
    with pytest.raises(ServiceError) as refused:
        list(engine_gateway.write([{"role": "user", "content": "word " * 40_000}], most_tokens=4))
    assert refused.value.code is ErrorCode.INVALID_REQUEST
    with pytest.raises(ServiceError) as refused:
        engine_gateway.translate(["one"], None, "tlh")
    assert refused.value.code is ErrorCode.UNSUPPORTED_LANGUAGE


def test_the_models_for_text_are_listed_and_removed(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    with_text_models(tmp_path / "models")
    out = StringIO()
    call_command("models", "list", stdout=out)
    lines = {line.split()[0]: line for line in out.getvalue().splitlines()}
    assert "installed" in lines[catalog.WRITER]
    assert "11.80 GB" in lines[catalog.TRANSLATOR]
    (tmp_path / "models" / catalog.WRITER).unlink()
    with pytest.raises(CommandError, match="not a model that was fetched"):
        call_command("models", "remove", catalog.WRITER)
