"""The models for text from the hub to the socket: fetched, converted and loaded by the code that will meet real
weights, in processes of their own. The weights are random and small."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import catalog
from engine.client import EngineClient
from engine.config import EngineConfig
from engine.errors import EngineError, EngineGone, ModelUnavailable
from engine.store import ModelStore
from engine.text.types import Line
from tests.engine.hub_double import running
from tests.engine.text_models import TRANSLATOR, WRITER, tiny_translator, tiny_writer, with_embedder, with_text_models

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAIT = 120.0
QUESTION = [{"role": "user", "content": "Who takes the notes today?"}]
NOTES = "Who takes the notes today?"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def serving(data_dir: Path) -> Iterator[tuple[EngineClient, "subprocess.Popen[bytes]"]]:
    path = data_dir / "engine.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "serve", "--socket", str(path)],
        cwd=ROOT,
        env=environment(data_dir),
        stderr=subprocess.DEVNULL,
    )
    try:
        until(path.exists)
        yield EngineClient(path), process
    finally:
        process.kill()
        process.wait()


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    ours = {"STT_DATA_DIR": str(data_dir), "STT_MODEL": catalog.EMBEDDED, "STT_DEVICE": "cpu", "STT_FETCH_MODELS": "0"}
    return {**os.environ, **ours, **more}


def models(data_dir: Path, *command: str, hub: str = "", status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "models", *command],
        cwd=ROOT,
        env=environment(data_dir, HF_ENDPOINT=hub),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineClient]:
    data_dir = tmp_path_factory.mktemp("data")
    with_text_models(data_dir / "models")
    with serving(data_dir) as (client, _):
        yield client


def test_a_text_comes_through_the_socket_token_by_token(engine: EngineClient) -> None:
    """Not at its end: while it is read, the engine says that it still works at it."""
    pieces = engine.write(QUESTION, most_tokens=160)
    first = [next(pieces) for _ in range(3)]
    assert engine.status().running == 1
    whole = [*first, *pieces]
    assert len(whole) > 40
    assert engine.status().running == 0
    assert list(engine.write(QUESTION, most_tokens=7)) == whole[:7]


def test_one_frame_a_piece(engine: EngineClient) -> None:
    question = {"op": "write", "messages": QUESTION, "most_tokens": 5, "temperature": 0.0, "stop": []}
    with engine._conversation(question) as connection:
        frames = []
        while (frame := connection.receive(WAIT)) is not None:
            frames.append(frame)
    said = [frame["value"] for frame in frames if frame.get("event") == "piece"]
    assert 2 <= len(said) <= 5
    assert frames[-1] == {"result": {"cut": True}}


def test_who_leaves_ends_the_writing(engine: EngineClient) -> None:
    for _ in range(6):  # more than there are places
        pieces = engine.write(QUESTION, most_tokens=10_000, temperature=1.0)
        next(pieces)
        pieces.close()
    until(lambda: engine.status().running == 0)


def test_all_of_it_over_the_socket(engine: EngineClient) -> None:
    assert engine.status().text.writer == catalog.WRITER
    [meeting, again, fruit] = engine.embed(["The meeting starts.", "The meeting begins.", "Ripe bananas are yellow."])
    assert np.dot(meeting, again) > 0.8 > 0.3 > np.dot(meeting, fruit)
    lines = [Line("We meet at ten on Monday.", 0.5, 2.0, "Ann"), Line("Who takes the notes?", 2.0, 4.0, "Ben")]
    found: Any = engine.extract("questions", lines, language="en")
    [question] = found
    assert (question["text"], question["line"], question["speaker"]) == ("Who takes the notes?", 1, "Ben")
    assert engine.translate([NOTES, " 12 "], None, "de")[1] == " 12 "


def test_what_is_wrong_keeps_its_kind_over_the_socket(engine: EngineClient) -> None:
    with pytest.raises(EngineError) as refused:
        list(engine.write([{"role": "user", "content": "word " * 40_000}], most_tokens=5))
    assert refused.value.code == "text_too_long"


def test_an_engine_that_dies_while_it_writes_is_gone(tmp_path: Path) -> None:
    with_text_models(tmp_path / "models")
    with serving(tmp_path) as (client, process):
        pieces = client.write(QUESTION, most_tokens=10_000, temperature=1.0)
        next(pieces)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(EngineGone):
            list(pieces)


def test_a_writer_is_fetched_in_two_goes_converted_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 65536)  # what is kept is kept in these steps
    store = ModelStore(EngineConfig(tmp_path / "models", default_model=catalog.EMBEDDED, device="cpu"))
    here = tmp_path / "models" / catalog.WRITER
    with running(tiny_writer(tmp_path / "hub")) as hub, serving(tmp_path) as (client, _):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.weights, hub.cut_after = "model.safetensors", 65536
        with pytest.raises(ModelUnavailable):
            store.fetch(catalog.WRITER, lambda share: None)
        with pytest.raises(ModelUnavailable, match="models fetch"):
            list(client.write(QUESTION, most_tokens=5))
        hub.cut_after = None
        shares: list[float] = []
        store.fetch(catalog.WRITER, shares.append)
        assert hub.ranges == ["bytes=65536-"]
        assert shares[-1] == 1.0
        assert client.status().text.writer == catalog.WRITER
        assert list(client.write(QUESTION, most_tokens=12))
        assert {file.name for file in here.iterdir()} == {file.name for file in WRITER.iterdir()}
        assert not list((tmp_path / "models" / ".partial").glob(f"{catalog.WRITER}/*"))
        assert_read_alike(here, tmp_path / "hub")
    models(tmp_path, "remove", catalog.WRITER)
    assert not here.exists()


def assert_read_alike(converted: Path, published: Path) -> None:
    """The 8 bits expect the next words as the published weights do in their makers' own code; another base of the
    rotation, which tells places apart, would bring the likeness down to nothing within fifty words."""
    import ctranslate2
    import torch
    from transformers import Qwen2ForCausalLM

    words = [int(word) for word in np.random.default_rng(1).integers(0, 390, 300)]
    ours = np.asarray(ctranslate2.Generator(str(converted)).forward_batch([words]))[0]
    with torch.no_grad():
        model = Qwen2ForCausalLM.from_pretrained(published, dtype=torch.float32).eval()
        theirs = model(torch.tensor([words])).logits[0].numpy()
    for at in (0, 50, 299):
        likeness = np.dot(ours[at], theirs[at]) / np.linalg.norm(ours[at]) / np.linalg.norm(theirs[at])
        assert likeness > 0.98


def test_a_translator_is_fetched_converted_and_answers(tmp_path: Path) -> None:
    with_embedder(tmp_path / "models")
    with running(tiny_translator(tmp_path / "hub")) as hub:
        models(tmp_path, "fetch", catalog.TRANSLATOR, hub=hub.url)
    here = tmp_path / "models" / catalog.TRANSLATOR
    assert {file.name for file in here.iterdir()} == {file.name for file in TRANSLATOR.iterdir()}
    with serving(tmp_path) as (client, _):
        assert client.status().text.targets == ("de", "he", "yue", "zh_Hant")
        [said] = client.translate([NOTES], None, "de")
        assert said
        assert said != NOTES


def test_what_cannot_be_converted_is_said_and_kept(tmp_path: Path) -> None:
    weights = tiny_writer(tmp_path / "hub")
    shape = (weights / "config.json").read_text()
    (weights / "config.json").write_text(shape.replace('"qwen2"', '"nonsense"'))
    with running(weights) as hub:
        for _ in range(2):
            said = models(tmp_path, "fetch", catalog.WRITER, hub=hub.url, status=4)
            assert "is here but could not be converted" in said
        assert hub.gets["model.safetensors"] == 1
    assert not (tmp_path / "models" / catalog.WRITER).exists()


def test_a_disk_that_is_too_small_is_said_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tiny_writer(tmp_path / "hub")
    usage = type("Usage", (), {"free": int(1.2 * (weights / "model.safetensors").stat().st_size)})
    monkeypatch.setattr("engine.hub.shutil.disk_usage", lambda path: usage)
    with running(weights) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        config = EngineConfig(tmp_path / "models", default_model=catalog.EMBEDDED, device="cpu")
        with pytest.raises(ModelUnavailable, match="GB of disk"):
            ModelStore(config).fetch(catalog.WRITER, lambda share: None)
        assert not hub.gets
