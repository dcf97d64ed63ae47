"""Text in another language by MADLAD-400, sentence by sentence; it finds out for itself which language it reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import ctranslate2
from sentencepiece import SentencePieceProcessor

from engine import hardware
from engine.config import EngineConfig
from engine.errors import UnsupportedLanguage
from engine.text.batches import batches as in_batches
from engine.text.lane import Lane
from engine.text.languages import language_of
from engine.text.sentences import spans
from engine.text.targets import PIECE, own_code
from engine.waiting import wait_beating

BEAM = 4
BATCH_TOKENS = 512
MOST_PIECES = 200
"""Of a sentence; a longer one is cut."""
SLACK = 32
"""Tokens that a translation may have over twice those of its sentence."""
END = "</s>"


class Translator:
    """One loaded model. Thread-safe."""

    def __init__(self, directory: Path, config: EngineConfig) -> None:
        device = hardware.detect(config.device).device
        lanes = hardware.lanes(config)
        self._directory = directory
        self._translator = ctranslate2.Translator(
            str(directory),
            device=device,
            compute_type="int8_float32",  # what lies between the layers of a T5 does not fit into 16 bits
            inter_threads=lanes if device == "cpu" else 1,
            intra_threads=max(1, hardware.threads(config) // lanes),
        )
        self._pieces = SentencePieceProcessor(model_file=str(directory / "spiece.model"))

    def translate(
        self,
        texts: Sequence[str],
        source: str | None,
        target: str,
        lane: Lane,
        beat: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Each text with what stands between its sentences. Raises UnsupportedLanguage."""
        if (code := own_code(self._directory, target)) is None:
            raise UnsupportedLanguage(
                "unsupported_language",
                f"The translator of this server does not write {target!r}. Nothing was translated.",
            )
        language = language_of(texts, source)
        places = [list(spans(text, language)) for text in texts]
        said = (text[start:end] for text, found in zip(texts, places, strict=True) for start, end in found)
        wanted = list(dict.fromkeys(sentence for sentence in said if any(letter.isalpha() for letter in sentence)))
        known = dict(zip(wanted, self._in_batches(wanted, code, lane, beat), strict=True))
        return [_replaced(text, found, known) for text, found in zip(texts, places, strict=True)]

    def _in_batches(self, wanted: Sequence[str], code: str, lane: Lane, beat: Callable[[], None]) -> list[str]:
        head = self._pieces.encode(f"<2{code}>", out_type=str)
        cut = [(at, pieces) for at, text in enumerate(wanted) for pieces in self._cut(text)]
        batches = list(in_batches([len(pieces) for _, pieces in cut], BATCH_TOKENS))
        waiting = [lane(partial(self._forward, [[*head, *cut[at][1], END] for at in batch])) for batch in batches]
        done: dict[int, str] = {}
        for batch, future in zip(batches, waiting, strict=True):
            texts = wait_beating(future, beat)
            done |= zip(batch, texts, strict=True)
        joined = [""] * len(wanted)
        for at, (place, _) in enumerate(cut):
            joined[place] = f"{joined[place]} {done[at]}".strip()
        return joined

    def _cut(self, sentence: str) -> Iterator[list[str]]:
        """Its pieces, without what would ask for another language: the sentence is text, whatever it says."""
        pieces = [piece for piece in self._pieces.encode(sentence, out_type=str) if not PIECE.fullmatch(piece)]
        for start in range(0, len(pieces), MOST_PIECES):
            yield pieces[start : start + MOST_PIECES]

    def _forward(self, batch: list[list[str]]) -> list[str]:
        results = self._translator.translate_batch(
            batch,
            beam_size=BEAM,
            max_input_length=0,
            max_decoding_length=2 * max(map(len, batch)) + SLACK,
            disable_unk=True,
        )
        return [str(self._pieces.decode(_words(result.hypotheses[0]))).strip() for result in results]


def _replaced(text: str, places: Sequence[tuple[int, int]], known: Mapping[str, str]) -> str:
    parts, done = [], 0
    for start, end in places:
        parts += [text[done:start], known.get(text[start:end], text[start:end])]
        done = end
    return "".join([*parts, text[done:]])


def _words(pieces: Sequence[str]) -> list[str]:
    return [piece for piece in pieces if not PIECE.fullmatch(piece)]
