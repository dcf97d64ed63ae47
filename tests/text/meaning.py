"""A stand-in for the embedding model where only the rules are looked at: texts that share words are near."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from engine.text.languages import words_of


def shared_words(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    rows = np.zeros((len(texts), 384), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in words_of(text):
            row[crc32(word.encode()) % 384] += 1
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
