"""A checkpoint of `train` to a CTranslate2 directory that faster-whisper loads.

python -m tests.micro_whisper.convert CHECKPOINT.pt OUT_DIRECTORY [--quantization int8]
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import ctranslate2
import torch
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from tests.micro_whisper.losses import ALIGNMENT_HEADS
from tests.micro_whisper.model import CONTEXT, MEL_BANDS, POSITIONS, Shape
from tests.micro_whisper.tokens import (
    END,
    FIRST_LANGUAGE,
    LANGUAGES,
    PIECES,
    START,
    VOCABULARY,
    compact_place,
    tokenizer,
    whisper_id,
)

SPACE_TOKEN = 32
PREPROCESSOR = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}


def convert(checkpoint: Path, out: Path, quantization: str) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    model = _transformers_model(saved["weights"], Shape(**saved["shape"]))
    shipped = json.dumps(tokenizer(compact_place), ensure_ascii=False, separators=(",", ":"))
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory)
        model.save_pretrained(source)
        (source / "tokenizer.json").write_text(json.dumps(_without_gap(json.loads(shipped))), encoding="utf-8")
        names = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
        (source / "tokenizer_config.json").write_text(
            json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}), encoding="utf-8"
        )
        ctranslate2.converters.TransformersConverter(str(source)).convert(
            str(out), quantization=quantization, force=True
        )
    (out / "tokenizer.json").write_text(shipped, encoding="utf-8")
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR), encoding="utf-8")


def _transformers_model(weights: dict[str, torch.Tensor], shape: Shape) -> Any:
    config = WhisperConfig(
        vocab_size=VOCABULARY + 1,
        num_mel_bins=MEL_BANDS,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.inner,
        decoder_ffn_dim=shape.inner,
        d_model=shape.width,
        max_source_positions=POSITIONS,
        max_target_positions=CONTEXT,
        pad_token_id=compact_place(END),
        bos_token_id=compact_place(END),
        eos_token_id=compact_place(END),
        decoder_start_token_id=compact_place(START),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    missing, unexpected = model.load_state_dict(_renamed(weights, shape), strict=False)
    if missing or unexpected:
        raise ValueError(f"The checkpoint does not fit: missing {missing}, unexpected {unexpected}")
    model.generation_config = _generation_config()
    return model


def _renamed(weights: dict[str, torch.Tensor], shape: Shape) -> dict[str, torch.Tensor]:
    # The empty token's row gets -40 from the constant dimension; a zero row would take part in the softmax.
    embeddings = torch.zeros(VOCABULARY + 1, shape.width)
    embeddings[:, -1] = -40.0
    places = torch.tensor([compact_place(whisper_id(token)) for token in range(VOCABULARY)])
    embeddings[places] = weights["decoder.embed_tokens.weight"]
    renamed = {
        f"model.{name}": value.clone()
        for name, value in weights.items()
        if not name.startswith(("word_head", "phoneme_head"))
    }
    renamed["model.encoder.embed_positions.weight"] = renamed.pop("model.encoder.positions")
    renamed["model.decoder.embed_tokens.weight"] = renamed["proj_out.weight"] = embeddings
    renamed["model.decoder.layer_norm.weight"][-1] = 0
    renamed["model.decoder.layer_norm.bias"][-1] = 1
    return renamed


def _generation_config() -> Any:
    config = GenerationConfig()
    config.suppress_tokens = []
    # Not the end of text: silence without time stamps may be answered with nothing.
    config.begin_suppress_tokens = [SPACE_TOKEN]
    config.alignment_heads = [list(pair) for pair in ALIGNMENT_HEADS]
    config.lang_to_id = {
        f"<|{language}|>": compact_place(FIRST_LANGUAGE + index) for index, language in enumerate(LANGUAGES)
    }
    return config


def _without_gap(layout: dict[str, Any]) -> dict[str, Any]:
    """The converter lists the vocabulary by rank, so the empty token's id must be taken. It is `""` by name."""
    layout["model"]["vocab"][""] = len(PIECES)
    return layout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--quantization", default="int8")
    options = parser.parse_args()
    convert(options.checkpoint, options.out, options.quantization)
    for path in sorted(options.out.iterdir()):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
