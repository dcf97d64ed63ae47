"""F5-TTS on random weights, in the layout that an operator puts: it makes noise, by way of all the real code."""

from importlib.resources import files
from pathlib import Path
from typing import Any

MODEL = """
model:
  backbone: DiT
  arch: {dim: 64, depth: 2, heads: 2, ff_mult: 2, text_dim: 32, text_mask_padding: True, qk_norm: null, conv_layers: 1,
         pe_attn_head: null, attn_backend: torch, attn_mask_enabled: False, checkpoint_activations: False}
  mel_spec: {target_sample_rate: 24000, n_mel_channels: 100, hop_length: 256, win_length: 1024, n_fft: 1024,
             mel_spec_type: vocos}
"""
VOCODER = """
feature_extractor:
  class_path: vocos.feature_extractors.MelSpectrogramFeatures
  init_args: {sample_rate: 24000, n_fft: 1024, hop_length: 256, n_mels: 100, padding: center}
backbone:
  class_path: vocos.models.VocosBackbone
  init_args: {input_channels: 100, dim: 32, intermediate_dim: 64, num_layers: 1}
head:
  class_path: vocos.heads.ISTFTHead
  init_args: {dim: 32, n_fft: 1024, hop_length: 256, padding: center}
"""


def write_weights(directory: Path) -> None:
    import torch
    from f5_tts.model import CFM, DiT
    from f5_tts.model.utils import get_tokenizer
    from omegaconf import OmegaConf
    from safetensors.torch import save_file
    from vocos import Vocos

    torch.manual_seed(0)
    (directory / "vocoder").mkdir(parents=True)
    (directory / "model.yaml").write_text(MODEL)
    (directory / "vocoder" / "config.yaml").write_text(VOCODER)
    vocabulary = files("f5_tts").joinpath("infer/examples/vocab.txt").read_text()
    (directory / "vocab.txt").write_text(vocabulary)
    characters, size = get_tokenizer(str(directory / "vocab.txt"), "custom")
    shape: Any = OmegaConf.load(str(directory / "model.yaml")).model
    transformer = DiT(**shape.arch, text_num_embeds=size, mel_dim=shape.mel_spec.n_mel_channels)
    model = CFM(transformer=transformer, mel_spec_kwargs=dict(shape.mel_spec), vocab_char_map=characters)
    weights = {f"ema_model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, str(directory / "model.safetensors"))
    vocoder = Vocos.from_hparams(str(directory / "vocoder" / "config.yaml"))
    torch.save(vocoder.state_dict(), directory / "vocoder" / "pytorch_model.bin")
