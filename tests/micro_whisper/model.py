"""Whisper in plain PyTorch, 1.8 M parameters, named as transformers names WhisperForConditionalGeneration.

Two things are not Whisper's: frame heads for words and phonemes, used in training only, and where attention begins.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BANDS = 80
POSITIONS = 1500
TIME_STAMPS = 1501
CONTEXT = 448


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    first_time: int
    word_classes: int
    phonemes: int
    width: int = 128
    heads: int = 4
    inner: int = 512
    encoder_layers: int = 3
    decoder_layers: int = 3


def sinusoids(length: int, width: int) -> Tensor:
    step = math.log(10000) / (width // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor | None = None, *, causal: bool = False) -> tuple[Tensor, Tensor]:
        """`memory`: attend to this instead of `x`; then the weights (batch, heads, queries, keys) come back too."""
        source = x if memory is None else memory
        query, key, value = (
            self._split(self.q_proj(x)),
            self._split(self.k_proj(source)),
            self._split(self.v_proj(source)),
        )
        if memory is None:
            weights = x.new_empty(0)
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), -1)
            mixed = weights @ value
        return self.out_proj(mixed.transpose(1, 2).reshape(x.shape)), weights

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)


class EncoderLayer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape.width, shape.heads)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.inner)
        self.fc2 = nn.Linear(shape.inner, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))[0]
        inner: Tensor = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return x + inner


class DecoderLayer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape.width, shape.heads)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.encoder_attn = Attention(shape.width, shape.heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.inner)
        self.fc2 = nn.Linear(shape.inner, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        x = x + self.self_attn(self.self_attn_layer_norm(x), causal=True)[0]
        heard, weights = self.encoder_attn(self.encoder_attn_layer_norm(x), encoded)
        x = x + heard
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x)))), weights


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MEL_BANDS, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)
        self.register_buffer("positions", sinusoids(POSITIONS, shape.width))
        for layer, shifts in zip(self.layers, _SHIFTS, strict=False):
            _start_as_shifts(layer.self_attn, shifts, shape)

    def forward(self, features: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 80, frames) to (batch, frames / 2, width), and what the second layer made of it.

        `offsets`: the position that each window begins at, so that short windows train all 1500 positions.
        """
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(features)))).transpose(1, 2)
        x = x + self.get_buffer("positions")[offsets[:, None] + torch.arange(x.shape[1], device=x.device)]
        middle = x
        for index, layer in enumerate(self.layers):
            x = layer(x)
            middle = x if index == 1 else middle
        return self.layer_norm(x), middle


# Frames of 20 ms that each head of a layer starts out looking away by.
_SHIFTS = ((-5, -2, 2, 5), (-12, -4, 4, 12), (-20, -8, 0, 8))


@torch.no_grad()
def _start_as_shifts(attention: Attention, shifts: tuple[int, ...], shape: Shape, sharpness: float = 3.0) -> None:
    """Self-attention begins as a soft look at frame t + shift, read off the sinusoids of the positions.

    Without this the encoder needs tens of thousands of steps to find its own neighbourhood.
    """
    half, head_width = shape.width // 2, shape.width // shape.heads
    count = head_width // 2
    columns = torch.linspace(0, int(half * 0.62), count).round().long()
    frequencies = torch.exp(-math.log(10000) / (half - 1) * columns.float())
    gain = math.sqrt(sharpness * math.sqrt(head_width) / count * 2)
    query, key = attention.q_proj.weight, attention.k_proj.weight
    query *= 0.2
    key *= 0.2
    for head, shift in enumerate(shifts):
        for pair, (column, frequency) in enumerate(zip(columns, frequencies, strict=True)):
            sine = head * head_width + 2 * pair
            cosine = sine + 1
            turned, straight = gain * math.sin(frequency * shift), gain * math.cos(frequency * shift)
            key[sine, column] += gain
            key[cosine, half + column] += gain
            query[sine, column] += straight
            query[sine, half + column] += turned
            query[cosine, half + column] += straight
            query[cosine, column] -= turned


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(CONTEXT, shape.width)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)
        with torch.no_grad():
            self.embed_tokens.weight.normal_(0, 0.05)
            # A time stamp starts as the encoder's own position of the same moment.
            self.embed_tokens.weight[shape.first_time :] = sinusoids(TIME_STAMPS, shape.width) * 0.06
            self.embed_tokens.weight[:, -1] = 0
            self.embed_positions.weight.copy_(sinusoids(CONTEXT, shape.width) * 0.05)

    def forward(self, tokens: Tensor, encoded: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits, and the cross-attention of each layer."""
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        attended = []
        for layer in self.layers:
            x, weights = layer(x, encoded)
            attended.append(weights)
        # The last dimension is the constant 1: unused rows of the shipped vocabulary get their -40 from it.
        weight, bias = self.layer_norm.weight.clone(), self.layer_norm.bias.clone()
        weight[-1], bias[-1] = 0, 1
        hidden = functional.layer_norm(x, (x.shape[-1],), weight, bias, self.layer_norm.eps)
        return hidden @ self.embed_tokens.weight.T, attended


class MicroWhisper(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        self.word_head = nn.Linear(shape.width, shape.word_classes)
        self.phoneme_head = nn.Linear(shape.width, shape.phonemes)
