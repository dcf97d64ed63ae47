"""Vectors of texts that need no model: texts that share words point alike ways."""

import zlib
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from transcripts.terms import terms


def hashed(texts: Sequence[str], *, priority: str = "interactive") -> NDArray[numpy.float32]:
    rows = numpy.zeros((len(texts), 384), numpy.float32)
    for row, text in zip(rows, texts, strict=True):
        row[0] = 0.1
        for term in terms(text):
            row[1 + zlib.crc32(term.text.encode()) % 383] += 1
    whole: NDArray[numpy.float32] = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    return whole
