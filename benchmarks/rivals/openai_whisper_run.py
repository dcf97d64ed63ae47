"""openai-whisper with the weights of a CTranslate2 directory: MODEL FILE THREADS."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
import torch
import whisper.tokenizer
from whisper.model import ModelDimensions, Whisper

from benchmarks.rivals.report import report

Weights = dict[str, Any]
Named = Iterator[tuple[str, Any]]
TYPES: tuple[Any, ...] = (np.float32, np.int8, np.int16, np.int32, np.float16)


def variables(file: Path) -> dict[str, Any]:
    """Name to array. Source: CTranslate2's model_spec.py, binary version 6."""
    with file.open("rb") as data:

        def number(form: str) -> Any:
            return struct.unpack(f"<{form}", data.read(struct.calcsize(f"<{form}")))[0]

        def name() -> str:
            length: int = number("H")
            return data.read(length)[:-1].decode()

        number("I"), name(), number("I")
        found = {}
        for _ in range(number("I")):
            key, rank = name(), number("B")
            shape = [number("I") for _ in range(rank)]
            kind, size = TYPES[number("B")], number("I")
            found[key] = np.frombuffer(data.read(size), kind).reshape(shape)
    return found


def unpacked(found: dict[str, Any]) -> Weights:
    """Without the scales: float32 throughout."""
    weights = {}
    for key, value in found.items():
        if key.endswith("_scale") or value.ndim == 0 or key == "decoder/alignment_heads":
            continue
        scale = found.get(f"{key}_scale")
        value = value.astype(np.float32)
        if scale is not None:
            value = value / scale.reshape(-1, *[1] * (value.ndim - 1))
        weights[key] = torch.from_numpy(np.ascontiguousarray(value))
    return weights


def linear(weights: Weights, key: str, name: str) -> Named:
    yield f"{name}.weight", weights[f"{key}/weight"]
    yield f"{name}.bias", weights[f"{key}/bias"]


def norm(weights: Weights, key: str, name: str) -> Named:
    yield f"{name}.weight", weights[f"{key}/gamma"]
    yield f"{name}.bias", weights[f"{key}/beta"]


def split(weights: Weights, key: str, names: list[str]) -> Named:
    for part in ("weight", "bias"):
        for name, piece in zip(names, weights[f"{key}/{part}"].chunk(len(names)), strict=True):
            if not (part == "bias" and name.endswith("key")):
                yield f"{name}.{part}", piece


def block(weights: Weights, key: str, name: str, crossed: bool) -> Named:
    yield from norm(weights, f"{key}/self_attention/layer_norm", f"{name}.attn_ln")
    yield from split(
        weights, f"{key}/self_attention/linear_0", [f"{name}.attn.{part}" for part in ("query", "key", "value")]
    )
    yield from linear(weights, f"{key}/self_attention/linear_1", f"{name}.attn.out")
    if crossed:
        yield from norm(weights, f"{key}/attention/layer_norm", f"{name}.cross_attn_ln")
        yield from linear(weights, f"{key}/attention/linear_0", f"{name}.cross_attn.query")
        yield from split(
            weights, f"{key}/attention/linear_1", [f"{name}.cross_attn.{part}" for part in ("key", "value")]
        )
        yield from linear(weights, f"{key}/attention/linear_2", f"{name}.cross_attn.out")
    yield from norm(weights, f"{key}/ffn/layer_norm", f"{name}.mlp_ln")
    yield from linear(weights, f"{key}/ffn/linear_0", f"{name}.mlp.0")
    yield from linear(weights, f"{key}/ffn/linear_1", f"{name}.mlp.2")


def state(weights: Weights, layers: dict[str, int]) -> Named:
    yield from linear(weights, "encoder/conv1", "encoder.conv1")
    yield from linear(weights, "encoder/conv2", "encoder.conv2")
    yield "encoder.positional_embedding", weights["encoder/position_encodings/encodings"]
    yield from norm(weights, "encoder/layer_norm", "encoder.ln_post")
    yield "decoder.token_embedding.weight", weights["decoder/embeddings/weight"]
    yield "decoder.positional_embedding", weights["decoder/position_encodings/encodings"]
    yield from norm(weights, "decoder/layer_norm", "decoder.ln")
    for part, count in layers.items():
        for at in range(count):
            yield from block(weights, f"{part}/layer_{at}", f"{part}.blocks.{at}", part == "decoder")


def load(directory: Path) -> Any:
    found = variables(directory / "model.bin")
    weights = unpacked(found)
    layers = {
        part: len({key.split("/")[1] for key in weights if key.startswith(f"{part}/layer_") and key[14].isdigit()})
        for part in ("encoder", "decoder")
    }
    positions, width = weights["encoder/position_encodings/encodings"].shape
    tokens, places = len(weights["decoder/embeddings/weight"]), len(weights["decoder/position_encodings/encodings"])
    heads = int(found["encoder/num_heads"])
    bands = weights["encoder/conv1/weight"].shape[1]
    sizes = (bands, positions, width, heads, layers["encoder"], tokens, places, width, heads, layers["decoder"])
    model = Whisper(ModelDimensions(*sizes))
    model.load_state_dict(dict(state(weights, layers)))
    marked = torch.zeros(layers["decoder"], heads, dtype=torch.bool)
    for layer, head in json.loads((directory / "config.json").read_text())["alignment_heads"]:
        marked[layer, head] = True
    model.register_buffer("alignment_heads", marked.to_sparse(), persistent=False)
    return model


def encoding(directory: Path) -> Any:
    """The model's own pieces and special tokens, at their own numbers."""
    vocabulary = json.loads((directory / "vocabulary.json").read_text())
    end = vocabulary.index("<|endoftext|>")
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in shown}
    hidden = (byte for byte in range(256) if byte not in shown)
    letters |= {chr(256 + at): byte for at, byte in enumerate(hidden)}
    pieces = [(at, piece) for at, piece in enumerate(vocabulary[:end]) if piece]
    return tiktoken.Encoding(
        name="own",
        pat_str=r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
        mergeable_ranks={bytes(letters[letter] for letter in piece): at for at, piece in pieces},
        special_tokens={token: end + at for at, token in enumerate(vocabulary[end:])},
    )


directory, file, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
own = encoding(directory)
whisper.tokenizer.get_encoding = lambda *_, **__: own
# openai-whisper tells both from the size of its own vocabulary.
Whisper.is_multilingual = property(lambda self: True)
Whisper.num_languages = property(lambda self: 99)
model = load(directory)
began = time.perf_counter()
result = model.transcribe(
    file, language="en", beam_size=5, word_timestamps=True, condition_on_previous_text=False, fp16=False
)
report(
    package="openai-whisper",
    wall=time.perf_counter() - began,
    words=sum(len(segment["words"]) for segment in result["segments"]),
    text=" ".join(segment["text"].strip() for segment in result["segments"]),
)
