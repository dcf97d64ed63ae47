"""What a stand-in for an engine does with text: nothing is loaded, and all of it follows from the words."""

import zlib
from collections.abc import Callable, Generator, Sequence

import numpy as np

from engine.protocols import Vectors
from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import Priority

DIMENSIONS = 384


def no_beat() -> None: ...


class TextStandIn:
    def embed(
        self, texts: Sequence[str], *, priority: Priority = "interactive", beat: Callable[[], None] = no_beat
    ) -> Vectors:
        """Texts that share words are alike."""
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.lower().split() or [""]:
                row[zlib.crc32(word.encode()) % DIMENSIONS] += 1
            row /= np.linalg.norm(row)
        return vectors

    def extract(
        self,
        what: Extraction,
        lines: Sequence[Line],
        *,
        style: Style = "brief",
        language: str | None = None,
        beat: Callable[[], None] = no_beat,
    ) -> Answer:
        beat()
        return {"what": what, "lines": [line.text for line in lines], "style": style, "language": language}

    def write(
        self,
        messages: Sequence[Message],
        *,
        most_tokens: int,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        beat: Callable[[], None] = no_beat,
    ) -> Generator[str, None, bool]:
        """The last message again, a word a piece."""
        beat()
        words = messages[-1]["content"].split()
        for word in words[:most_tokens]:
            if word in stop:
                return False
            yield f"{word} "
        return len(words) > most_tokens

    def translate(
        self, texts: Sequence[str], source: str | None, target: str, *, beat: Callable[[], None] = no_beat
    ) -> list[str]:
        beat()
        return [f"{target}: {text}" for text in texts]
