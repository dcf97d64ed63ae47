"""Meaning as numbers: texts that say alike things get vectors that point alike ways."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from engine import hardware
from engine.config import EngineConfig
from engine.protocols import Vectors
from engine.text.batches import batches as in_batches
from engine.text.lane import Lane, at_once
from engine.waiting import wait_beating

DIMENSIONS = 384
MOST_TOKENS = 256
"""As the model was made to read; what is behind them is not heard."""
BATCH_TOKENS = 2048
"""Padded; live work waits for no more than one such batch."""


class Embedder:
    """One loaded all-MiniLM-L6-v2. Thread-safe."""

    def __init__(self, directory: Path, config: EngineConfig) -> None:
        device = hardware.detect(config.device).device
        lanes = hardware.lanes(config)
        # Other types miss the reference by more than a thousandth, and this model is small.
        self._encoder = ctranslate2.Encoder(
            str(directory),
            device=device,
            compute_type="float32",
            inter_threads=lanes if device == "cpu" else 1,
            intra_threads=max(1, hardware.threads(config) // lanes),
        )
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)

    def embed(self, texts: Sequence[str], lane: Lane = at_once, beat: Callable[[], None] = lambda: None) -> Vectors:
        """A row of length 1 for each text, in their order. `beat` as in `engine.protocols.Engine`."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        batches = list(in_batches([len(ids) for ids in tokens], BATCH_TOKENS))
        waiting = [lane(partial(self._forward, [tokens[at] for at in batch])) for batch in batches]
        for batch, rows in zip(batches, waiting, strict=True):
            vectors[batch] = wait_beating(rows, beat)
        return vectors

    def _forward(self, tokens: list[list[int]]) -> Vectors:
        hidden = self._encoder.forward_batch(tokens).last_hidden_state
        states = np.asarray(hidden.to_device(ctranslate2.Device.cpu))
        means = np.stack([state[: len(ids)].mean(axis=0) for state, ids in zip(states, tokens, strict=True)])
        lengths: Vectors = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / lengths, dtype=np.float32)
